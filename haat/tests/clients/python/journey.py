"""A registered shopper buys two of something with a client that was generated from the description."""

import sys
from uuid import uuid4

from haat_client import AuthenticatedClient, Client
from haat_client.api.cart import cart_add_item
from haat_client.api.catalog import catalog_get_product, catalog_list_products
from haat_client.api.identity import identity_register
from haat_client.api.orders import orders_get_order, orders_list_order_events, orders_place_order
from haat_client.api.payments import payments_of_order
from haat_client.api.sandbox import sandbox_answer
from haat_client.models import (
    AddBody,
    Address,
    Cart,
    CheckoutInput,
    Kind,
    Money,
    Order,
    OrderHistory,
    OrderStatus,
    PageProduct,
    Payments,
    Problem,
    Product,
    RegisterBody,
    TokensView,
)


def taken(answer, kind):
    """The answer, where it is what was hoped for."""
    if isinstance(answer, Problem):
        raise SystemExit(f"{answer.status} {answer.code}: {answer.detail}")
    assert isinstance(answer, kind), answer
    return answer


def browse(client, pages):
    found, cursor = [], None
    for _ in range(pages):
        more = {"cursor": cursor} if cursor else {}
        page = taken(catalog_list_products.sync(client=client, limit=3, kind=Kind.PHYSICAL, in_stock=True, **more), PageProduct)
        found += page.data
        cursor = page.next_cursor
    return found


def main(base_url):
    anybody = Client(base_url=base_url)
    registration = RegisterBody(email=f"{uuid4()}@example.com", password="a-long-sentence-77", first_name="Rahim")
    signed_in = taken(identity_register.sync(client=anybody, body=registration), TokensView)
    shopper = AuthenticatedClient(base_url=base_url, token=signed_in.access_token)

    products = browse(shopper, pages=2)
    assert len({product.id for product in products}) == 6, "two pages of three have six products"
    product = taken(catalog_get_product.sync(products[0].slug, client=shopper), Product)
    variant = product.variants[0].id

    refused = cart_add_item.sync(client=shopper, body=AddBody(variant_id=variant, quantity=0))
    assert isinstance(refused, Problem) and refused.errors[0].pointer == "/quantity", refused
    cart = taken(cart_add_item.sync(client=shopper, body=AddBody(variant_id=variant, quantity=2)), Cart)
    assert cart.items[0].quantity == 2

    checkout = CheckoutInput(
        shipping_method="standard",
        payment_method="sandbox",
        shipping_address=Address(
            name="A B", phone="+8801711111111", line1="1 Road", city="Dhaka", postal_code="1207", country="BD"
        ),
        expected_total=Money(amount=1, currency="BDT"),
    )
    surprised = orders_place_order.sync(client=shopper, body=checkout, idempotency_key=str(uuid4()))
    assert isinstance(surprised, Problem) and surprised.code == "price_changed", surprised
    checkout.expected_total = None
    order = taken(orders_place_order.sync(client=shopper, body=checkout, idempotency_key=str(uuid4())), Order)

    token = order.payment.action.url.rsplit("/", 1)[1]
    sandbox_answer.sync(token, "approve", client=anybody)
    paid = taken(orders_get_order.sync(order.id, client=shopper, prefer="wait=10"), Order)
    assert paid.status == OrderStatus.CONFIRMED and paid.totals.total == order.totals.total, paid.status
    payments = taken(payments_of_order.sync(order.id, client=shopper), Payments)
    assert [payment.status for payment in payments.data] == ["completed"]
    history = taken(orders_list_order_events.sync(order.id, client=shopper), OrderHistory)
    assert history.data[0].type_ == "order.created"
    print(f"{order.number} is confirmed")


main(sys.argv[1])
