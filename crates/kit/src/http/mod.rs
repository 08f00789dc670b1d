//! The HTTP side of a service: routes that say who may call them, bodies that refuse what they do not know.

mod extract;
pub mod grants;
mod html;
mod missing;
mod nul;
pub mod openapi;
mod page;
mod period;
mod routes;
mod sign_in;

pub use extract::{Form, Ifs, Json, Path, Query, etag, given, has_already, idempotency_key, required_idempotency_key, respond};
pub use html::{escape, first_language, page, wants_bangla};
pub use missing::{MissingWords, missing_page};
pub use nul::{REFUSED as NUL_REFUSED, nul_in, refuse_in_query};
pub use page::{After, Page, PageRequest};
pub use period::{Period, day_of, day_text};
pub use routes::{Method, RouteInfo, Routes, Who};
pub use sign_in::{SignInWords, sign_in_page};
