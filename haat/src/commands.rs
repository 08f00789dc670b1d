//! What each command does.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::CommandFactory as _;
use contracts::proto::identity::EnsureUserRequest;
use contracts::proto::identity::identity_client::IdentityClient;
use kit::telemetry;

use crate::cli::{AdminCommand, Cli, Command, Common, ImportCommand, ImportProductsArgs};
use crate::config::{self, Config, LogFormat, Profile};
use crate::{bench, doctor, import, platform, replay, run};

/// Runs one command to its end.
pub async fn carry_out(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Demo(args) => run::demo(&begin(&args.common, Some(Profile::Development))?, args.days).await,
        Command::Serve(args) => run::serve(&begin(&args.common, None)?, &args.only).await,
        Command::Migrate(args) => {
            let running = run::start(&begin(&args.common, None)?, &args.only).await?;
            println!("the schemas of {} are up to date", running.platform.services().collect::<Vec<_>>().join(", "));
            running.stop().await;
            Ok(())
        }
        Command::Import(ImportCommand::Products(args)) => import_products(&args).await,
        Command::Admin(AdminCommand::Create { email, password_file, common }) => create_admin(&email, password_file, &common).await,
        Command::Config(common) => {
            print!("{}", config::explain(&common.flags(None))?);
            Ok(())
        }
        Command::Doctor(common) => examine(&common).await,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "haat", &mut std::io::stdout());
            Ok(())
        }
        Command::Services { json } => print_services(json),
        Command::Replay(args) => {
            let running = run::start(&begin(&args.common, None)?, &[]).await?;
            let done = replay::carry_out(&running.platform, &args.model).await;
            running.stop().await;
            println!("{}", done?);
            Ok(())
        }
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
    print!("{report}");
    if is_bad {
        bail!("something is wrong; see the lines marked BAD");
    }
    Ok(())
}

async fn import_products(args: &ImportProductsArgs) -> anyhow::Result<()> {
    let config = begin(&args.common, None)?;
    let into = args.vendor.clone().map_or(import::Into::FilesVendor, import::Into::Store);
    let running = run::start(&config, &[]).await?;
    let summary = import::products(running.console()?, &args.file, &into, args.currency, args.dry_run).await;
    running.stop().await;
    let summary = summary?;
    import::print_summary(&mut std::io::stdout(), &summary, args.dry_run)?;
    match &args.report {
        Some(path) => import::write_report(path, &summary.errors),
        None => Ok(()),
    }
}

async fn create_admin(email: &str, password_file: Option<PathBuf>, common: &Common) -> anyhow::Result<()> {
    let password = match password_file {
        Some(file) => std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?,
        None => std::env::var("HAAT_ADMIN_PASSWORD").context("give the password in HAAT_ADMIN_PASSWORD or with --password-file")?,
    };
    let password = password.lines().next().unwrap_or_default().to_owned();
    let running = run::start(&begin(common, None)?, &[]).await?;
    let request = EnsureUserRequest {
        email: email.into(),
        password,
        first_name: "Administrator".into(),
        last_name: String::new(),
        roles: vec!["customer".into(), "admin".into()],
    };
    let made = IdentityClient::new(running.console()?.channel("identity")?).ensure_user(request).await;
    running.stop().await;
    made.map_err(|status| anyhow::anyhow!("{}", status.message()))?;
    println!("{email} is an administrator");
    Ok(())
}

fn print_services(json: bool) -> anyhow::Result<()> {
    if json {
        let list: Vec<_> =
            platform::SERVICES.iter().map(|s| serde_json::json!({"name": s.name, "calls": s.calls, "reads": s.reads})).collect();
        println!("{}", serde_json::to_string_pretty(&list)?);
        return Ok(());
    }
    for s in platform::SERVICES {
        let or_nobody = |list: &[&str]| if list.is_empty() { "nobody".to_owned() } else { list.join(", ") };
        println!("{:<10} calls {}; reads the events of {}", s.name, or_nobody(s.calls), or_nobody(s.reads));
    }
    Ok(())
}
