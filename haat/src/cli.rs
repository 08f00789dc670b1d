//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use contracts::Currency;

use crate::bench::BenchArgs;
use crate::config::{Flags, Profile};
use crate::sim::SimArgs;

/// A marketplace back end in one binary: `haat demo` shows it, `haat serve` runs it.
#[derive(Parser)]
#[command(name = "haat", version, about, propagate_version = true, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "Examples:
  haat demo                                   a marketplace with goods and accounts on http://127.0.0.1:8080
  haat serve --data /var/lib/haat             the same, empty and for real
  haat import products shop.csv --vendor mine brings a shop's products in (while the server is stopped)
  haat config                                 every setting, its value, and where it came from
  haat doctor                                 what is wrong here, and what to do about it
  haat bench                                  measures complete checkouts on this machine";

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Runs the demo marketplace: loads goods, accounts and past orders the first time, then serves everything on loopback.
    Demo(DemoArgs),
    /// Runs haat. The first administrator comes from `haat admin create`.
    Serve(ServeArgs),
    /// Brings the database up to date and ends.
    Migrate(ServeArgs),
    /// Brings data in from a file; by handle and sku, so that a second run changes nothing.
    #[command(subcommand)]
    Import(ImportCommand),
    /// Makes administrators.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Prints every setting, its value (secrets hidden), and where it came from.
    Config(Common),
    /// Looks at everything that can keep haat from starting or running well, and says what to do. Changes nothing.
    Doctor(Common),
    /// Prints completions for a shell, such as `haat completions bash > /etc/bash_completion.d/haat`.
    Completions {
        /// Which.
        shell: clap_complete::Shell,
    },
    /// Lists the services: what each calls and whose events it reads.
    Services {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Builds a read model anew from the events, beside the one in use, and then puts it in its place.
    Replay(ReplayArgs),
    /// Measures complete checkouts.
    Bench(BenchArgs),
    /// Runs the platform in virtual time with faults drawn from seeds, and checks what must always hold.
    Sim(SimArgs),
}

/// What most commands take.
#[derive(Args, Clone, Debug, Default)]
pub struct Common {
    /// Address and port of the public listener [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Directory of the embedded database [default: haat-data].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Configuration file [default: haat.toml, where there is one].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// development, staging or production [default: production; for demo: development].
    #[arg(long, value_parser = parse_profile)]
    pub profile: Option<Profile>,
}

/// What `demo` takes.
#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    /// How many days of orders lie behind it, when it is loaded.
    #[arg(long, default_value_t = crate::demo::DAYS, value_parser = clap::value_parser!(u32).range(0..=365))]
    pub days: u32,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a comment here would become the command's help")]
    pub common: Common,
}

/// What `serve` and `migrate` take.
#[derive(Args, Clone, Debug, Default)]
pub struct ServeArgs {
    /// The services to run here, such as orders,payments; all where left out. The others need an address under [remotes].
    #[arg(long, value_delimiter = ',', value_name = "SERVICES")]
    pub only: Vec<String>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a comment here would become the command's help")]
    pub common: Common,
}

/// What `replay` takes.
#[derive(Args, Clone, Debug)]
pub struct ReplayArgs {
    /// The read model, such as orders.
    pub model: String,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a comment here would become the command's help")]
    pub common: Common,
}

/// What can be imported.
#[derive(Subcommand)]
pub enum ImportCommand {
    /// Products from a Shopify product CSV.
    Products(ImportProductsArgs),
}

/// What `import products` takes.
#[derive(Args, Clone, Debug)]
pub struct ImportProductsArgs {
    /// The file.
    pub file: PathBuf,
    /// Slug of the store they go into; opened where it is missing.
    #[arg(long, value_name = "SLUG", required_unless_present = "vendor_from_file")]
    pub vendor: Option<String>,
    /// Each product into a store named like the file's vendor.
    #[arg(long, conflicts_with = "vendor")]
    pub vendor_from_file: bool,
    /// Currency of the file's prices.
    #[arg(long, default_value = "BDT")]
    pub currency: Currency,
    /// Reads and checks the file, writes nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Writes every row that could not be taken to this file, as CSV.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a comment here would become the command's help")]
    pub common: Common,
}

/// What can be done about administrators.
#[derive(Subcommand)]
pub enum AdminCommand {
    /// Makes an administrator, or gives the role to somebody. The password comes from HAAT_ADMIN_PASSWORD or a file.
    Create {
        /// Whom.
        #[arg(long)]
        email: String,
        /// A file whose first line is the password; without it, the environment variable HAAT_ADMIN_PASSWORD.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        #[command(flatten)]
        #[allow(missing_docs, reason = "a comment here would become the command's help")]
        common: Common,
    },
}

impl Common {
    /// As the configuration takes them; `profile` is what the command is for.
    pub fn flags(&self, profile: Option<Profile>) -> Flags {
        Flags { file: self.config.clone(), profile: self.profile.or(profile), listen: self.listen, data: self.data.clone() }
    }
}

fn parse_profile(text: &str) -> Result<Profile, String> {
    match text {
        "development" => Ok(Profile::Development),
        "staging" => Ok(Profile::Staging),
        "production" => Ok(Profile::Production),
        other => Err(format!("expected development, staging or production, found {other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
