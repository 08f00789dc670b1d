//! `haat openapi`: the description of the API, with nothing running.

mod collection;
mod sample;

use clap::Args;
use kit::http::openapi;
use serde_json::Value as Json;

use crate::cli::parse_profile;
use crate::config::Profile;
use crate::platform;

/// What `openapi` takes.
#[derive(Args, Clone, Debug)]
pub struct OpenapiArgs {
    /// A collection for Postman and what reads its format (v2.1), in place of the document.
    #[arg(long)]
    pub collection: bool,
    /// Where haat is.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// The routes that are there in development, staging or production.
    #[arg(long, default_value = "development", value_parser = parse_profile)]
    pub profile: Profile,
}

/// What the command prints.
pub fn described(args: &OpenapiArgs) -> anyhow::Result<String> {
    let document = document(args.url.trim_end_matches('/'), args.profile)?;
    let shown = if args.collection { collection::of(&document) } else { document };
    Ok(serde_json::to_string_pretty(&shown)?)
}

fn document(url: &str, profile: Profile) -> anyhow::Result<Json> {
    let (mut routes, mut services) = (Vec::new(), Vec::new());
    for service in platform::SERVICES {
        let (declared, described) = (service.describe)();
        routes.extend(declared.into_iter().filter(|route| route.is_there(profile == Profile::Development)));
        services.push((service.name, described));
    }
    Ok(openapi::document(services, &routes, url)?)
}
