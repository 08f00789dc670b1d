//! People who look: which pages they ask for.

use std::rc::Rc;

use anyhow::{Result, ensure};
use http::Method;
use serde::Deserialize;
use tokio::time::Instant;

use super::args::{BenchArgs, Mix};
use super::client::Connection;
use super::draw::draw;
use super::shelves::{self, Leaf, PRICE_MAX};
use super::stock::{Stock, Watch};
use super::times::{Failure, Step, Times};

/// How many pages are popular.
const POPULAR: usize = 20;
/// From so many pages on further pages are asked for.
const CURSORS: usize = 300;
/// One in so many lists is read, to see how old it is.
const READ_EVERY: u64 = 32;
const LIST: &str = "/api/v1/products?limit=20";

/// What is asked for.
pub struct Lists {
    popular: Vec<String>,
    cursors: Vec<String>,
    leaves: Vec<Leaf>,
    vendors: Vec<String>,
    /// Every product of the popular pages, whose stock changes, and others.
    products: Vec<String>,
    is_lists_only: bool,
    pub stock: Rc<Stock>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    data: Vec<Product>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Product {
    id: String,
    vendor_id: String,
    variants: Vec<Watch>,
}

impl Lists {
    /// Brings the products in, and finds out what there is to ask for.
    pub async fn prepare(connection: &mut Connection, args: &BenchArgs, stock: Stock) -> Result<Lists> {
        let leaves = shelves::leaves(connection).await?;
        let vendors = vendors(connection).await?;
        ensure!(!vendors.is_empty(), "there is no product whose store could have more; is this an empty server?");
        shelves::fill(connection, &stock.admin, args.products, &vendors, &leaves).await?;
        let (cursors, mut products) = walk(connection).await?;
        let mut lists = Lists {
            popular: popular(&leaves, &vendors, &cursors),
            cursors: cursors.into_iter().map(|cursor| format!("{LIST}&cursor={cursor}")).collect(),
            leaves,
            vendors,
            products: Vec::new(),
            is_lists_only: args.mix == Mix::Lists,
            stock: Rc::new(stock),
        };
        for path in &lists.popular {
            let page: Page = connection.json(Method::GET, path, None).await?;
            products.splice(0..0, page.data);
        }
        let watches = products.iter().filter_map(|p| Some((p.id.clone(), p.variants.first()?.clone())));
        let mut stock = Rc::try_unwrap(lists.stock).map_err(|_| anyhow::anyhow!("the stock is shared already"))?;
        stock.watch(connection, watches).await?;
        lists.stock = Rc::new(stock);
        lists.products = products.into_iter().map(|p| format!("/api/v1/products/{}", p.id)).collect();
        Ok(lists)
    }

    /// Asks for one page; it counts from when it should have been asked for, where that is said.
    pub async fn look(&self, connection: &mut Connection, number: u64, due: Option<Instant>) -> Result<Times, Failure> {
        let (step, path) = self.choose(number);
        let is_read = step == Step::Product || (step != Step::Category && number.is_multiple_of(READ_EVERY));
        let asked = Instant::now();
        let answer = match is_read {
            true => connection.send(Method::GET, &path, bytes::Bytes::new(), None).await,
            false => connection.skim(&path).await,
        };
        let answer = answer.map_err(|_| Failure::new(step, "no answer"))?;
        let took = due.unwrap_or(asked).elapsed();
        if !answer.is_ok() {
            return Err(answer.failure(step, asked));
        }
        if is_read {
            self.read(step, &answer.body, asked).map_err(|e| Failure::new(step, format!("unexpected answer: {e}")))?;
        }
        let mut times = Times::begin();
        times.note(step, took);
        Ok(times)
    }

    fn read(&self, step: Step, body: &[u8], asked: Instant) -> serde_json::Result<()> {
        if step == Step::Product {
            let product: Product = serde_json::from_slice(body)?;
            product.variants.iter().for_each(|v| self.stock.seen_in_product(v, asked));
        } else {
            let page: Page = serde_json::from_slice(body)?;
            page.data.iter().flat_map(|p| &p.variants).for_each(|v| self.stock.seen_in_list(v, asked));
        }
        Ok(())
    }

    /// 80 % of lists are popular pages. Where it is not lists alone, a quarter looks at a product and one in twenty at categories.
    fn choose(&self, number: u64) -> (Step, String) {
        let percent = draw(number, 1) % 100;
        if !self.is_lists_only {
            match percent {
                0..25 => return (Step::Product, pick(&self.products, number).clone()),
                25..29 if !self.leaves.is_empty() => return (Step::Category, format!("/api/v1/categories/{}", self.leaf(number).slug)),
                25..30 => return (Step::Category, "/api/v1/categories".into()),
                _ => {}
            }
        }
        if !draw(number, 3).is_multiple_of(5) {
            return (Step::PopularList, pick(&self.popular, number).clone());
        }
        (Step::RandomList, self.random(number))
    }

    fn random(&self, number: u64) -> String {
        let low = draw(number, 5) % PRICE_MAX;
        let high = low + draw(number, 6) % PRICE_MAX;
        match draw(number, 4) % 8 {
            0..3 if !self.cursors.is_empty() => pick(&self.cursors, number).clone(),
            3 => format!("{LIST}&minPrice={low}&maxPrice={high}&sort=price"),
            4 => format!("{LIST}&brand={}", shelves::brand(draw(number, 8)).replace(' ', "%20")),
            5 if !self.leaves.is_empty() => format!("{LIST}&category={}&maxPrice={high}", self.leaf(number).slug),
            6 => format!("{LIST}&vendorId={}&minPrice={low}", pick(&self.vendors, number)),
            _ => format!("{LIST}&inStock=true&minPrice={low}&maxPrice={high}"),
        }
    }

    fn leaf(&self, number: u64) -> &Leaf {
        &self.leaves[(draw(number, 7) % self.leaves.len() as u64) as usize]
    }
}

fn pick(list: &[String], number: u64) -> &String {
    &list[(draw(number, 9) % list.len() as u64) as usize]
}

/// The front pages, and the first of categories and stores.
fn popular(leaves: &[Leaf], vendors: &[String], cursors: &[String]) -> Vec<String> {
    let mut pages = vec![LIST.to_owned(), format!("{LIST}&sort=price"), format!("{LIST}&sort=-price"), format!("{LIST}&inStock=true")];
    pages.extend(cursors.iter().take(4).map(|cursor| format!("{LIST}&cursor={cursor}")));
    pages.extend(vendors.iter().take(4).map(|vendor| format!("{LIST}&vendorId={vendor}")));
    pages.extend(leaves.iter().map(|leaf| format!("{LIST}&category={}", leaf.slug)));
    pages.truncate(POPULAR);
    pages
}

async fn vendors(connection: &mut Connection) -> Result<Vec<String>> {
    let page: Page = connection.json(Method::GET, "/api/v1/products?limit=100&kind=physical", None).await?;
    let mut vendors: Vec<String> = page.data.into_iter().map(|p| p.vendor_id).collect();
    vendors.sort();
    vendors.dedup();
    Ok(vendors)
}

/// The cursors of page after page, and the products of the last ones.
async fn walk(connection: &mut Connection) -> Result<(Vec<String>, Vec<Product>)> {
    let (mut cursors, mut products, mut path) = (Vec::new(), Vec::new(), LIST.to_owned());
    while cursors.len() < CURSORS {
        let page: Page = connection.json(Method::GET, &path, None).await?;
        products = page.data;
        let Some(next) = page.next_cursor else { break };
        path = format!("{LIST}&cursor={next}");
        cursors.push(next);
    }
    Ok((cursors, products))
}
