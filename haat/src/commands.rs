//! What each command does.

use std::path::PathBuf;

use anyhow::bail;
use clap::CommandFactory as _;
use contracts::proto::identity::EnsureUserRequest;
use contracts::proto::identity::identity_client::IdentityClient;
use kit::telemetry;

use crate::cli::{
    AdminCommand, Cli, Command, Common, ExportCommand, ImportCommand, ImportOrdersArgs, ImportProductsArgs, InventoryCommand, Place,
};
use crate::config::{self, Config, LogFormat, Profile};
use crate::exchange::{Here, Server, Target, Who};
use crate::export::ProductFormat;
use crate::password::Purpose;
use crate::run::Running;
use crate::{backup, bench, doctor, export, import, inventory, openapi, password, platform, print, replay, run, top};

/// Runs one command to its end.
pub async fn carry_out(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Demo(args) => run::demo(&begin(&args.common, Some(Profile::Development))?, args.days).await,
        Command::Serve(args) => run::serve(&begin(&args.common, None)?, &args.only).await,
        Command::Migrate(args) => {
            let running = run::start(&begin(&args.common, None)?, &args.only).await?;
            let names = running.platform.services().collect::<Vec<_>>().join(", ");
            running.stop().await;
            print::line(format_args!("the schemas of {names} are up to date"))
        }
        Command::Import(ImportCommand::Products(args)) => import_products(&args).await,
        Command::Inventory(InventoryCommand::Repair { dry_run, common }) => repair_inventory(&common, dry_run).await,
        Command::Import(ImportCommand::Orders(args)) => import_orders(&args).await,
        Command::Export(command) => export_what(&command).await,
        Command::Admin(AdminCommand::Create { email, password_file, common }) => create_admin(&email, password_file, &common).await,
        Command::Config(common) => print::text(config::explain(&common.flags(None))?),
        Command::Doctor(common) => examine(&common).await,
        Command::Completions { shell } => {
            // It panics where it cannot write.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "haat", &mut script);
            print::text(String::from_utf8(script)?)
        }
        Command::Services { json } => print_services(json),
        Command::Openapi(args) => print::line(openapi::described(&args)?),
        Command::Replay(args) => {
            let done = match server_of(&args.place).await? {
                Some(server) => replay::there(&server, &args.model).await?,
                None => {
                    let act = async |running: &Running| replay::here(&running.platform, &args.model).await;
                    while_stopped(&args.place.common, Data::IsThere, act).await?
                }
            };
            print::line(done)
        }
        Command::Backup(args) => print::line(backup::make(&begin(&args.common, None)?, &args.dest)?),
        Command::Restore(args) => print::line(backup::restore(&begin(&args.common, None)?, &args.src, args.force)?),
        Command::Top(args) => top::run(&args).await,
        Command::Bench(args) => bench::run(args).await,
        Command::Sim(_) => bail!("the simulator brings its own runtime"),
    }
}

/// Reads the configuration and starts the log.
fn begin(common: &Common, profile: Option<Profile>) -> anyhow::Result<Config> {
    let config = config::load(&common.flags(profile))?;
    let format = match config.log.format {
        LogFormat::Json => telemetry::LogFormat::Json,
        LogFormat::Text => telemetry::LogFormat::Pretty,
    };
    telemetry::log(format, &config.log.filter).map_err(anyhow::Error::msg)?;
    Ok(config)
}

async fn examine(common: &Common) -> anyhow::Result<()> {
    let (report, is_bad) = doctor::report(&doctor::examine(&common.flags(None)).await);
    print::text(report)?;
    if is_bad {
        bail!("something is wrong; see the lines marked BAD");
    }
    Ok(())
}

async fn import_products(args: &ImportProductsArgs) -> anyhow::Result<()> {
    let wanted = import::Wanted {
        file: &args.file,
        into: args.vendor.clone().map_or(import::Into::FilesVendor, import::Into::Store),
        format: args.format,
        rules: args.rules.clone(),
        currency: args.currency,
        opens_categories: args.open_categories,
        is_dry: args.intake.dry_run,
        report: args.intake.report.as_deref(),
    };
    let mut report = import::Report::default();
    let (wanted, to) = (&wanted, &mut report);
    let done = at(&args.intake.place, Data::MayBegin, move |target| import::products(target, wanted, to)).await;
    tell_imported(done, report, "products", args.intake.dry_run)
}

async fn import_orders(args: &ImportOrdersArgs) -> anyhow::Result<()> {
    let wanted = import::WantedOrders {
        file: &args.file,
        source: args.source.as_deref(),
        vendor: args.vendor.as_deref(),
        rules: args.rules.clone(),
        statuses: args.statuses.iter().cloned().collect(),
        currency: args.currency,
        opens_stores: args.open_stores,
        is_dry: args.intake.dry_run,
        report: args.intake.report.as_deref(),
    };
    let mut report = import::Report::default();
    let (wanted, to) = (&wanted, &mut report);
    let done = at(&args.intake.place, Data::MayBegin, move |target| import::orders(target, wanted, to)).await;
    tell_imported(done, report, "orders", args.intake.dry_run)
}

/// Says what was done, also before an error; what could not be taken is a failure of the command.
fn tell_imported(done: anyhow::Result<()>, mut report: import::Report, what: &str, is_dry: bool) -> anyhow::Result<()> {
    report.is_stopped |= done.is_err();
    if done.is_ok() || !report.is_empty() {
        report.print(&mut print::stdout(), what, is_dry)?;
    }
    done?;
    match report.refused {
        0 => Ok(()),
        1 => bail!("one row could not be taken"),
        n => bail!("{n} rows could not be taken"),
    }
}

async fn repair_inventory(common: &Common, dry_run: bool) -> anyhow::Result<()> {
    let act = async |running: &Running| inventory::repair(running.console()?, dry_run).await;
    print::text(here(common, Data::IsThere, act).await?)
}

/// Whether a command begins a database in an empty directory. One that only looks at what is there, or mends it, does not:
/// its directory is misspelt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Data {
    MayBegin,
    IsThere,
}

/// Does something on services that are started for it.
async fn here<T>(common: &Common, data: Data, act: impl AsyncFnOnce(&Running) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let config = begin(common, None)?;
    if data == Data::IsThere {
        config.require_database()?;
    }
    let running = run::start(&config, &[]).await?;
    let done = act(&running).await;
    running.stop().await;
    done
}

/// Does something at a running server, or on services that are started for it here.
async fn at<T, F: Future<Output = anyhow::Result<T>>>(place: &Place, data: Data, act: impl FnOnce(Target) -> F) -> anyhow::Result<T> {
    match server_of(place).await? {
        Some(server) => act(Target::Server(server)).await,
        None => while_stopped(&place.common, data, async |running| act(Target::Here(Here(running.console()?.clone()))).await).await,
    }
}

/// As [`here`], for what a running server does too.
async fn while_stopped<T>(common: &Common, data: Data, act: impl AsyncFnOnce(&Running) -> anyhow::Result<T>) -> anyhow::Result<T> {
    here(common, data, act).await.map_err(|e| {
        let said = format!("{e:#}");
        if said.contains("in use by another haat") { anyhow::anyhow!("{said}; with --server URL the one that runs does it") } else { e }
    })
}

/// The running server that is named, with somebody signed in.
async fn server_of(place: &Place) -> anyhow::Result<Option<Server>> {
    let Some(url) = &place.server else { return Ok(None) };
    let who = match (&place.token, &place.email) {
        (Some(token), _) => Who::Token(token.clone()),
        (None, Some(email)) => Who::Account {
            email: email.clone(),
            password: password::given(place.password_file.as_deref(), "HAAT_PASSWORD", Purpose::Known)?,
        },
        (None, None) => bail!("say who signs in: --email with --password-file, or --token"),
    };
    Server::sign_in(url, who).await.map(Some)
}

async fn export_what(command: &ExportCommand) -> anyhow::Result<()> {
    let (done, what) = match command {
        ExportCommand::Products(args) => {
            let by_name = if args.file.extension().is_some_and(|e| e == "csv") { ProductFormat::Csv } else { ProductFormat::Jsonl };
            let (vendor, format) = (args.vendor.as_deref(), args.format.unwrap_or(by_name));
            (at(&args.place, Data::IsThere, async |target| export::products(&target, vendor, format, &args.file).await).await?, "products")
        }
        ExportCommand::Orders(args) => {
            (at(&args.place, Data::IsThere, async |target| export::orders(&target, &args.file).await).await?, "orders")
        }
        ExportCommand::Events(args) => {
            let service = args.service.as_deref();
            let done = match server_of(&args.place).await? {
                Some(server) => export::events::there(&server, service, &args.file).await?,
                None => {
                    let act = async |running: &Running| export::events::here(&running.platform, service, &args.file).await;
                    while_stopped(&args.place.common, Data::IsThere, act).await?
                }
            };
            (done, "events")
        }
    };
    print::aside(format_args!("exported: {done} {what}"));
    Ok(())
}

async fn create_admin(email: &str, password_file: Option<PathBuf>, common: &Common) -> anyhow::Result<()> {
    let password = password::given(password_file.as_deref(), "HAAT_ADMIN_PASSWORD", Purpose::New)?;
    let request = EnsureUserRequest {
        email: email.into(),
        password,
        first_name: "Administrator".into(),
        last_name: String::new(),
        roles: vec!["customer".into(), "admin".into()],
    };
    here(common, Data::MayBegin, async |running| {
        let made = IdentityClient::new(running.console()?.channel("identity")?).ensure_user(request).await;
        made.map_err(|status| anyhow::anyhow!("{}", status.message()))
    })
    .await?;
    print::line(format_args!("{email} is an administrator"))
}

fn print_services(json: bool) -> anyhow::Result<()> {
    if json {
        let list: Vec<_> =
            platform::SERVICES.iter().map(|s| serde_json::json!({"name": s.name, "calls": s.calls, "reads": s.reads})).collect();
        return print::line(serde_json::to_string_pretty(&list)?);
    }
    for s in platform::SERVICES {
        let or_nobody = |list: &[&str]| if list.is_empty() { "nobody".to_owned() } else { list.join(", ") };
        print::line(format_args!("{:<10} calls {}; reads the events of {}", s.name, or_nobody(s.calls), or_nobody(s.reads)))?;
    }
    Ok(())
}
