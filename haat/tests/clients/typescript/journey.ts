// A guest buys two of something with a client whose types were generated from the description.

import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Problem = components["schemas"]["Problem"];
type Product = components["schemas"]["Product"];

declare const process: { argv: string[] };

const baseUrl = process.argv[2];
if (!baseUrl) throw new Error("usage: journey <address of haat>");

let cartToken: string | null = null;
const guest: Middleware = {
  onRequest({ request }) {
    if (cartToken) request.headers.set("X-Cart-Token", cartToken);
    return request;
  },
  onResponse({ response }) {
    cartToken = response.headers.get("X-Cart-Token") ?? cartToken;
  },
};
const haat = createClient<paths>({ baseUrl });
haat.use(guest);

function taken<T>(answer: { data?: T; error?: Problem }): T {
  if (answer.error) throw new Error(`${answer.error.status} ${answer.error.code}: ${answer.error.detail}`);
  if (answer.data === undefined) throw new Error("an answer without a body");
  return answer.data;
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

async function products(pages: number): Promise<Product[]> {
  const found: Product[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < pages; page++) {
    const query: { limit: number; kind: "physical"; inStock: boolean; cursor?: string } = { limit: 3, kind: "physical", inStock: true };
    if (cursor) query.cursor = cursor;
    const list = taken(await haat.GET("/api/v1/products", { params: { query } }));
    found.push(...list.data);
    cursor = list.nextCursor;
  }
  return found;
}

const browsed = await products(2);
expect(new Set(browsed.map((product) => product.id)).size === 6, "two pages of three have six products");
const wanted = browsed[0];
if (!wanted) throw new Error("nothing is for sale");
const product = taken(await haat.GET("/api/v1/products/{id}", { params: { path: { id: wanted.slug } } }));
const variantId = product.variants[0]?.id;
if (!variantId) throw new Error(`${product.title} has no variant`);

const refused = await haat.POST("/api/v1/cart/items", { body: { variantId, quantity: 0 } });
expect(refused.error?.errors?.[0]?.pointer === "/quantity", "a mistake says where it is");
const cart = taken(await haat.POST("/api/v1/cart/items", { body: { variantId, quantity: 2 } }));
expect(cart.items[0]?.quantity === 2 && cartToken !== null, "the cart is the guest's");

function place(seen?: components["schemas"]["Money"]) {
  return haat.POST("/api/v1/orders", {
    params: { header: { "Idempotency-Key": `${Date.now()}-${Math.random()}` } },
    body: {
      email: "guest@example.com",
      shippingMethod: "standard",
      paymentMethod: "sandbox",
      shippingAddress: { name: "A B", phone: "+8801711111111", line1: "1 Road", city: "Dhaka", postalCode: "1207", country: "BD" },
      ...(seen && { expectedTotal: seen }),
    },
  });
}
const surprised = await place({ amount: 1, currency: cart.totals.total.currency });
expect(surprised.error?.code === "price_changed", "a total that nobody saw is refused");
const order = taken(await place());
const token = order.payment?.action?.url.split("/").pop();
if (!token) throw new Error("there is nothing to pay");
taken(await haat.POST("/sandbox/pay/{token}/{answer}", { params: { path: { token, answer: "approve" } } }));

const paid = taken(await haat.GET("/api/v1/orders/{id}", { params: { path: { id: order.id }, header: { Prefer: "wait=10" } } }));
expect(paid.status === "confirmed" && paid.totals.total.amount === order.totals.total.amount, `the order is ${paid.status}`);
const payments = taken(await haat.GET("/api/v1/payments/order/{orderId}", { params: { path: { orderId: order.id } } }));
expect(payments.data.every((payment) => payment.status === "completed"), "it is paid");
console.log(`${order.number} is confirmed`);
