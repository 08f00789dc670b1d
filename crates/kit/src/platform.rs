//! The platform loop: from a list of declarations to running services.
//!
//! One platform is one process, or one node of a simulation: nothing here is global, so several can run side by side
//! and one can be crashed and started again on the same data.

mod check;
mod figures;
mod unfinished;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::channel::{Channel, Directory};
use crate::db::{Database, DbError, MigrateError, migrate};
use crate::events::{
    LogKept, Reader, Replays, Retention, log_reader, log_router, remote_log, start_read_models, start_readers, watch_remote,
};
use crate::jobs::{JobRunner, housekeeping};
use crate::operator::operator_router;
use crate::saga::Sagas;
use crate::service::{BuildError, Env, Figure, Service, ServiceDef, Shared};
use crate::{Clock, Ids, Tasks};
pub use figures::Figures;
pub use unfinished::{Abandoned, abandoned};

/// Which of the declared services run in this process.
#[derive(Clone, Copy, Debug)]
pub enum Choice<'a> {
    /// Every one.
    All,
    /// Those with these names.
    Only(&'a [&'a str]),
}

/// What a platform stands on.
pub struct Settings {
    /// Where the data lies.
    pub database: Database,
    /// The time.
    pub clock: Clock,
    /// Ids and secrets.
    pub ids: Ids,
    /// The tasks of this platform, and of nothing else.
    pub tasks: Tasks,
    /// A section per service, by name; a missing one is empty.
    pub config: Json,
    /// What all services share of the configuration.
    pub shared: Shared,
    /// Where the services are that do not run here: name to `http://host:port`.
    pub remotes: BTreeMap<String, String>,
}

/// Why a platform does not start. Nothing is served then.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Two declarations have one name.
    #[error("two services are called {0}")]
    Duplicate(&'static str),
    /// A name that no declaration has.
    #[error("there is no service {name}: expected one of {known}")]
    UnknownService {
        /// As given.
        name: String,
        /// Those that are declared.
        known: String,
    },
    /// A declaration names a service that is not declared.
    #[error("{service} {verb} {other}, which is not declared")]
    UndeclaredOther {
        /// Whose declaration.
        service: &'static str,
        /// `calls` or `reads`.
        verb: &'static str,
        /// Whom it names.
        other: &'static str,
    },
    /// Services call each other in a circle.
    #[error("services call each other in a circle: {0}")]
    Cycle(String),
    /// A publisher that neither runs here nor has an address.
    #[error("{subscriber} reads the events of {publisher}, which does not run here and has no address: choose it too, or give its address")]
    PublisherElsewhere {
        /// Who reads.
        subscriber: &'static str,
        /// Whom.
        publisher: &'static str,
    },
    /// A callee that neither runs here nor has an address.
    #[error("{caller} calls {callee}, which does not run here and has no address: choose it too, or give its address")]
    NoAddress {
        /// Who calls.
        caller: &'static str,
        /// Whom.
        callee: &'static str,
    },
    /// A service consumes what its declaration does not say.
    #[error("{subscriber} consumes {kind} of {publisher}, which its declaration does not read")]
    UndeclaredConsumer {
        /// Who reads.
        subscriber: &'static str,
        /// Whom.
        publisher: &'static str,
        /// The type of event.
        kind: &'static str,
    },
    /// A subscriber has read further than its publisher has written: one of them was brought back from an older backup.
    #[error(
        "{subscriber} has read the events of {publisher} up to {position}, but they end at {end}: {publisher} was restored from a backup that is older than {subscriber}. \
         Restore both from the same backup; docs/operations/backup.md says what else can be done"
    )]
    SubscriberAhead {
        /// Who reads.
        subscriber: &'static str,
        /// Whom.
        publisher: &'static str,
        /// How far it has read.
        position: i64,
        /// Where the log ends.
        end: i64,
    },
    /// The database cannot be looked at.
    #[error("the database cannot be read: {0}")]
    Unreadable(#[from] DbError),
    /// A section of the configuration is wrong, or a service cannot be made.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The database of a service cannot be brought up to date.
    #[error("database of {service}: {error}")]
    Database {
        /// Whose.
        service: &'static str,
        /// Why.
        error: MigrateError,
    },
}

/// Running services.
pub struct Platform {
    /// Who is where, and what each answers.
    pub directory: Directory,
    /// Everything that runs.
    pub tasks: Tasks,
    envs: BTreeMap<&'static str, Env>,
    readers: Vec<Reader>,
    sagas: Vec<Sagas>,
    jobs: Vec<JobRunner>,
    replays: Vec<Replays>,
    figures: BTreeMap<&'static str, &'static [Figure]>,
    notices: Vec<(&'static str, &'static str)>,
}

impl Platform {
    /// Checks the declarations and the configuration, then migrates, builds and starts the chosen services.
    /// When it returns they answer.
    pub async fn start(defs: &[ServiceDef], choice: Choice<'_>, settings: Settings) -> Result<Platform, StartError> {
        let (chosen, mut platform) = Platform::prepare(defs, choice, &settings).await?;
        match platform.build(&chosen, &settings).await {
            Ok(()) => Ok(platform),
            Err(e) => {
                platform.crash().await;
                Err(e)
            }
        }
    }

    /// Whether [`Platform::start`] would go well with this configuration: everything is checked and made, on a database
    /// that is only for this, and nothing begins to work.
    pub async fn try_out(defs: &[ServiceDef], choice: Choice<'_>, settings: Settings) -> Result<(), StartError> {
        let (chosen, mut platform) = Platform::prepare(defs, choice, &settings).await?;
        let made = platform.make(&chosen, &settings, &bus::Local::new()).await.map(drop);
        platform.crash().await;
        made
    }

    /// Whether every section of a configuration is a service's and holds what that one knows. Changes nothing.
    pub fn check_config(defs: &[ServiceDef], config: &Json) -> Result<(), StartError> {
        check::configuration(defs, &defs.iter().collect::<Vec<_>>(), config)
    }

    /// Whether the services in a database fit each other: nobody has read what was never written. Changes nothing; `there`
    /// says who has a schema.
    pub async fn check_positions(defs: &[ServiceDef], database: &Database, there: &[&str]) -> Result<(), StartError> {
        let named = |name: &str| defs.iter().find(|def| def.name == name && there.contains(&def.name));
        check::positions(&defs.iter().collect::<Vec<_>>(), |name| named(name).map(|def| database.view(def.name))).await
    }

    /// Checks what can be checked beforehand, and migrates.
    async fn prepare<'d>(
        defs: &'d [ServiceDef],
        choice: Choice<'_>,
        settings: &Settings,
    ) -> Result<(Vec<&'d ServiceDef>, Platform), StartError> {
        let chosen = check::choose(defs, choice)?;
        check::declarations(defs)?;
        check::reachable(defs, &chosen, &settings.remotes)?;
        check::configuration(defs, &chosen, &settings.config)?;

        let directory = Directory::new();
        for def in defs {
            directory.declare_described(def.name, def.calls, def.described());
            directory.declare_reads(def.name, def.reads);
            if let Some(address) = settings.remotes.get(def.name).filter(|_| !chosen.iter().any(|c| c.name == def.name)) {
                directory.set_remote(def.name, address.clone());
            }
        }
        for def in &chosen {
            let migrated = migrate(&settings.database, def.name, def.migrations).await;
            migrated.map_err(|error| StartError::Database { service: def.name, error })?;
        }
        let platform = Platform {
            directory,
            tasks: settings.tasks.clone(),
            envs: BTreeMap::new(),
            readers: Vec::new(),
            sagas: Vec::new(),
            jobs: Vec::new(),
            replays: Vec::new(),
            figures: BTreeMap::new(),
            notices: Vec::new(),
        };
        Ok((chosen, platform))
    }

    /// Makes the services, makes all of them known, then lets them work: what one does first may need any other.
    async fn build(&mut self, chosen: &[&ServiceDef], settings: &Settings) -> Result<(), StartError> {
        let bus = bus::Local::new();
        let built = self.make(chosen, settings, &bus).await?;
        self.follow_elsewhere(chosen, settings, &bus);
        for (env, service, replays) in built {
            self.work(&env, &bus, service, settings);
            self.readers.extend(start_read_models(&env, &bus, &replays));
            self.replays.push(replays);
        }
        Ok(())
    }

    /// Makes the services, and makes all of them known.
    async fn make(
        &mut self,
        chosen: &[&ServiceDef],
        settings: &Settings,
        bus: &bus::Local,
    ) -> Result<Vec<(Env, Service, Replays)>, StartError> {
        let mut built: Vec<(Env, Service, Replays)> = Vec::new();
        for def in chosen {
            let env = self.env_for(def, settings, bus);
            let mut service = (def.build)(env.clone())?;
            check::consumers(def, &service.consumers)?;
            if let Some((sagas, definitions)) = &mut service.sagas {
                sagas.define(std::mem::take(definitions));
                sagas.check_definitions().await?;
            }
            let sagas = service.sagas.as_ref().map(|(sagas, _)| sagas.clone());
            if service.log != LogKept::Forever && !service.read_models.is_empty() {
                return Err(BuildError::Other(format!("{}: what is made from its log needs all of it", def.name)).into());
            }
            let replays = Replays::new(env.db.clone(), std::mem::take(&mut service.read_models));
            service.rpc =
                service.rpc.merge(operator_router(env.db.clone(), sagas, replays.clone())).merge(log_router(&env.db, bus, &env.tasks));
            bus.register(def.name, log_reader(&env.db, self.directory.faults()));
            self.envs.insert(def.name, env.clone());
            self.figures.insert(def.name, service.figures);
            self.notices.extend(service.notices.drain(..).map(|notice| (def.name, notice)));
            built.push((env, service, replays));
        }
        for (env, service, _) in &built {
            self.directory.set_local(env.db.service(), service.http.clone(), service.rpc.clone());
        }
        let envs = &self.envs;
        check::positions(chosen, |name| envs.get(name).map(|env| env.db.clone())).await?;
        Ok(built)
    }

    /// Makes the logs of publishers in other processes readable here; each is watched once, whoever reads it.
    fn follow_elsewhere(&self, chosen: &[&ServiceDef], settings: &Settings, bus: &bus::Local) {
        for def in chosen {
            for source in def.reads.iter().copied().filter(|source| !self.envs.contains_key(source) && bus.log(source).is_none()) {
                let channel = Channel::to(&self.directory, def.name, source, &settings.clock, &settings.shared.master_key);
                bus.register(source, remote_log(channel.clone(), source));
                let Some(subscriber) = self.env(def.name).map(|env| env.db.clone()) else { continue };
                let watching = watch_remote(channel, source, subscriber, bus.clone(), self.tasks.clone());
                self.tasks.spawn_forever("log of a service elsewhere", watching);
            }
        }
    }

    fn env_for(&self, def: &ServiceDef, settings: &Settings, bus: &bus::Local) -> Env {
        let (clock, ids) = (settings.clock.clone(), settings.ids.clone());
        Env {
            db: settings.database.for_service(def.name, clock.clone(), ids.clone(), bus.clone()),
            clock,
            ids,
            tasks: settings.tasks.clone(),
            config: check::section(&settings.config, def.name),
            shared: settings.shared.clone(),
            directory: self.directory.clone(),
        }
    }

    /// Starts what a service does unasked: consumers, sagas, jobs.
    fn work(&mut self, env: &Env, bus: &bus::Local, service: Service, settings: &Settings) {
        if let Some((sagas, _)) = service.sagas {
            self.tasks.spawn_forever("sagas", sagas.clone().run());
            self.sagas.push(sagas);
        }
        let mut jobs = service.jobs;
        let name = env.db.service();
        let asked = |subscriber| Channel::to(&self.directory, name, subscriber, &settings.clock, &settings.shared.master_key);
        let subscribers = self.directory.subscribers(name).into_iter().map(asked).collect();
        jobs.push(housekeeping(Retention { db: env.db.clone(), kept: service.log, subscribers }, &env.clock));
        let (apart, jobs): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.apart);
        for jobs in [jobs, apart].into_iter().filter(|jobs| !jobs.is_empty()) {
            let runner = JobRunner::new(env.db.clone(), env.clock.clone(), env.tasks.clone(), jobs);
            self.tasks.spawn_forever("jobs", runner.clone().run());
            self.jobs.push(runner);
        }
        self.readers.extend(start_readers(env, bus, service.consumers));
    }

    /// What a service that runs here was given; for tests and for commands on a running platform.
    pub fn env(&self, service: &str) -> Option<&Env> {
        self.envs.get(service)
    }

    /// What builds the read models of the services that run here anew, one per service.
    pub fn replays(&self) -> &[Replays] {
        &self.replays
    }

    /// The services that run here.
    pub fn services(&self) -> impl Iterator<Item = &'static str> {
        self.envs.keys().copied()
    }

    /// What whoever runs the services should know: whose word it is, and the word.
    pub fn notices(&self) -> &[(&'static str, &'static str)] {
        &self.notices
    }

    /// Every subscription and read model of the services that run here.
    pub fn readers(&self) -> &[Reader] {
        &self.readers
    }

    /// The sagas of a service that runs here.
    pub fn sagas(&self, service: &str) -> Option<&Sagas> {
        self.sagas.iter().find(|sagas| sagas.service() == service)
    }

    /// Looks at every deadline now; for tests that move the clock.
    pub fn wake(&self) {
        self.sagas.iter().for_each(Sagas::wake);
        self.jobs.iter().for_each(JobRunner::wake);
    }

    /// Lets everything that was begun end, then returns.
    pub async fn stop(self) {
        self.tasks.drain().await;
    }

    /// Drops everything where it stands, as a crash would. Data that was acknowledged stays.
    pub async fn crash(self) {
        self.tasks.abort();
        self.tasks.drain().await;
    }
}
