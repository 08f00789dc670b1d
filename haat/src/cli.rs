//! The command line.

mod examples;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use contracts::Currency;

use crate::bench::BenchArgs;
use crate::config::{Flags, Profile};
use crate::export::ProductFormat;
use crate::import::{Format, Rule};
use crate::openapi::OpenapiArgs;
use crate::sim::SimArgs;
use crate::top::TopArgs;

/// A marketplace back end in one binary: `haat demo` shows it, `haat serve` runs it.
#[derive(Parser)]
#[command(name = "haat", version, about, propagate_version = true, after_help = examples::HAAT)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Runs the demo marketplace: loads goods, accounts and past orders the first time, then serves everything on loopback.
    #[command(after_help = examples::DEMO)]
    Demo(DemoArgs),
    /// Runs haat. The first administrator comes from `haat admin create`.
    #[command(after_help = examples::SERVE)]
    Serve(ServeArgs),
    /// Brings the database up to date and ends.
    #[command(after_help = examples::MIGRATE)]
    Migrate(ServeArgs),
    /// Brings data in from a file; by handle and sku, so that a second run changes nothing.
    #[command(subcommand, after_help = examples::IMPORT)]
    Import(ImportCommand),
    /// Looks after stock.
    #[command(subcommand, after_help = examples::INVENTORY)]
    Inventory(InventoryCommand),
    /// Writes what an import takes: products and orders; and what happened.
    #[command(subcommand, after_help = examples::EXPORT)]
    Export(ExportCommand),
    /// Makes administrators.
    #[command(subcommand, after_help = examples::ADMIN)]
    Admin(AdminCommand),
    /// Prints every setting, its value (secrets hidden), and where it came from.
    #[command(after_help = examples::CONFIG)]
    Config(Common),
    /// Looks at everything that can keep haat from starting or running well, and says what to do. Changes nothing.
    #[command(after_help = examples::DOCTOR)]
    Doctor(Common),
    /// Prints completions for a shell, such as `haat completions bash > /etc/bash_completion.d/haat`.
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// Which.
        shell: clap_complete::Shell,
    },
    /// Lists the services: what each calls and whose events it reads.
    #[command(after_help = examples::SERVICES)]
    Services {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Prints the description of every route, for generators of clients; with --collection for Postman.
    #[command(after_help = examples::OPENAPI)]
    Openapi(OpenapiArgs),
    /// Builds a read model anew from the events, beside the one in use, and then puts it in its place.
    #[command(after_help = examples::REPLAY)]
    Replay(ReplayArgs),
    /// Copies the embedded database into a new directory, also while haat runs, and reads the copy back.
    #[command(after_help = examples::BACKUP)]
    Backup(BackupArgs),
    /// Puts a backup into the data directory, while haat is stopped.
    #[command(after_help = examples::RESTORE)]
    Restore(RestoreArgs),
    /// Shows what a running haat does at the moment: requests, orders, database, readers, sagas, jobs. Needs no sign-in.
    #[command(after_help = examples::TOP)]
    Top(TopArgs),
    /// Puts load on a server through its public API, and measures.
    #[command(after_help = examples::BENCH)]
    Bench(BenchArgs),
    /// Runs the platform in virtual time with faults drawn from seeds, and checks what must always hold.
    #[command(after_help = examples::SIM)]
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
    pub place: Place,
}

/// Where imports go to, exports come from and replays are made.
#[derive(Args, Clone, Debug, Default)]
pub struct Place {
    /// A running server, such as http://127.0.0.1:8080, in place of a data directory.
    #[arg(long, value_name = "URL", conflicts_with_all = ["data", "config"])]
    pub server: Option<String>,
    /// Who signs in there; the password is in HAAT_PASSWORD, or in a file.
    #[arg(long, requires = "server")]
    pub email: Option<String>,
    /// A file whose first line is the password.
    #[arg(long, value_name = "FILE", requires = "email")]
    pub password_file: Option<PathBuf>,
    /// An access token, in place of an e-mail address and a password.
    #[arg(long, env = "HAAT_TOKEN", hide_env_values = true, conflicts_with = "email")]
    pub token: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a comment here would become the command's help")]
    pub common: Common,
}

/// What `backup` takes.
#[derive(Args, Clone, Debug)]
pub struct BackupArgs {
    /// A directory, new or empty.
    pub dest: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a comment here would become the command's help")]
    pub common: Common,
}

/// What `restore` takes.
#[derive(Args, Clone, Debug)]
pub struct RestoreArgs {
    /// The directory of the backup.
    pub src: PathBuf,
    /// Replaces the database that is in the data directory.
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a comment here would become the command's help")]
    pub common: Common,
}

/// What can be imported.
#[derive(Subcommand)]
pub enum ImportCommand {
    /// Products from Shopify's CSV, plain CSV or JSON Lines, each wholly or not at all.
    #[command(after_help = examples::IMPORT_PRODUCTS)]
    Products(ImportProductsArgs),
    /// Orders that were placed elsewhere, from CSV, as records: no stock is held, no money moves, nobody is written to.
    #[command(after_help = examples::IMPORT_ORDERS)]
    Orders(ImportOrdersArgs),
}

/// What `import orders` takes.
#[derive(Args, Clone, Debug)]
pub struct ImportOrdersArgs {
    /// The file; - for the standard input.
    pub file: PathBuf,
    /// From where they come, such as old-shop: orders of one source have different numbers [default: the column source].
    #[arg(long)]
    pub source: Option<String>,
    /// Slug of the store of lines that name none.
    #[arg(long, value_name = "SLUG")]
    pub vendor: Option<String>,
    /// Opens the stores that the file names and that are missing.
    #[arg(long)]
    pub open_stores: bool,
    /// Where a column is found in a foreign file, such as number=Invoice; repeated.
    #[arg(long = "map", value_name = "COLUMN=SOURCE")]
    pub rules: Vec<Rule>,
    /// What a foreign state is here, such as invoiced=confirmed; repeated.
    #[arg(long = "status", value_name = "FOREIGN=OURS", value_parser = parse_pair)]
    pub statuses: Vec<(String, String)>,
    /// Currency of amounts that name none.
    #[arg(long, default_value = "BDT")]
    pub currency: Currency,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a comment here would become the command's help")]
    pub intake: Intake,
}

/// What every import takes.
#[derive(Args, Clone, Debug)]
pub struct Intake {
    /// Reads and checks the file, writes nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Writes every row that could not be taken to this file, as CSV: line, column, reason.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a comment here would become the command's help")]
    pub place: Place,
}

/// What `import products` takes.
#[derive(Args, Clone, Debug)]
pub struct ImportProductsArgs {
    /// The file; - for the standard input.
    pub file: PathBuf,
    /// Slug of the store they go into; opened where it is missing.
    #[arg(long, value_name = "SLUG", required_unless_present = "vendor_from_file")]
    pub vendor: Option<String>,
    /// Each product into a store named like the file's vendor.
    #[arg(long, conflicts_with = "vendor")]
    pub vendor_from_file: bool,
    /// How the file is written [default: by its name and how it begins].
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Where a field is found in a foreign file, such as brand=maker.name; repeated.
    #[arg(long = "map", value_name = "FIELD=SOURCE.PATH")]
    pub rules: Vec<Rule>,
    /// Currency of prices that name none.
    #[arg(long, default_value = "BDT")]
    pub currency: Currency,
    /// Makes the categories that the file names and that are missing.
    #[arg(long)]
    pub open_categories: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a comment here would become the command's help")]
    pub intake: Intake,
}

/// What can be exported.
#[derive(Subcommand)]
pub enum ExportCommand {
    /// Products, as JSON Lines with everything, or as plain CSV.
    #[command(after_help = examples::EXPORT_PRODUCTS)]
    Products(ExportProductsArgs),
    /// Orders that were sold, as CSV with a row per line.
    #[command(after_help = examples::EXPORT_ORDERS)]
    Orders(ExportOrdersArgs),
    /// What happened, as CloudEvents in JSON Lines: every service's log, oldest first.
    #[command(after_help = examples::EXPORT_EVENTS)]
    Events(ExportEventsArgs),
}

/// What `export products` takes.
#[derive(Args, Clone, Debug)]
pub struct ExportProductsArgs {
    /// Where to; - for the standard output.
    #[arg(default_value = "-")]
    pub file: PathBuf,
    /// Slug of the store; all stores where left out.
    #[arg(long, value_name = "SLUG")]
    pub vendor: Option<String>,
    /// How the file is written [default: csv where its name ends so, else jsonl].
    #[arg(long, value_enum)]
    pub format: Option<ProductFormat>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a comment here would become the command's help")]
    pub place: Place,
}

/// What `export orders` takes.
#[derive(Args, Clone, Debug)]
pub struct ExportOrdersArgs {
    /// Where to; - for the standard output.
    #[arg(default_value = "-")]
    pub file: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a comment here would become the command's help")]
    pub place: Place,
}

/// What `export events` takes.
#[derive(Args, Clone, Debug)]
pub struct ExportEventsArgs {
    /// Where to; - for the standard output.
    #[arg(default_value = "-")]
    pub file: PathBuf,
    /// One service, such as orders; all where left out.
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a comment here would become the command's help")]
    pub place: Place,
}

/// What can be done about stock.
#[derive(Subcommand)]
pub enum InventoryCommand {
    /// Compares what is on hand and reserved with movements and reservations, and puts right what differs.
    #[command(after_help = examples::REPAIR)]
    Repair {
        /// Only says what differs.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        #[allow(missing_docs, reason = "a comment here would become the command's help")]
        common: Common,
    },
}

/// What can be done about administrators.
#[derive(Subcommand)]
pub enum AdminCommand {
    /// Makes an administrator, or gives the role to somebody. The password is asked for, or comes from a file or from
    /// HAAT_ADMIN_PASSWORD.
    #[command(after_help = examples::CREATE)]
    Create {
        /// Whom.
        #[arg(long)]
        email: String,
        /// A file whose first line is the password; without it the environment variable HAAT_ADMIN_PASSWORD counts, and
        /// without that one the terminal is asked.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        #[command(flatten)]
        #[allow(missing_docs, reason = "a comment here would become the command's help")]
        common: Common,
    },
}

impl Common {
    /// As the configuration takes them; `usual_profile` is what the command is for.
    pub fn flags(&self, usual_profile: Option<Profile>) -> Flags {
        let (file, data) = (self.config.clone(), self.data.clone());
        Flags { file, profile: self.profile, usual_profile, listen: self.listen, data }
    }
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').ok_or_else(|| format!("expected FOREIGN=OURS, such as invoiced=confirmed, found {text:?}"))?;
    Ok((pair.0.trim().to_lowercase(), pair.1.trim().to_owned()))
}

/// The profile of that name.
pub fn parse_profile(text: &str) -> Result<Profile, String> {
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
