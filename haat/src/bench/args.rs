use clap::Args;

/// What to measure.
#[derive(Args, Clone, Debug)]
pub struct BenchArgs {
    /// Shoppers at once, each with a connection of its own.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub shoppers: u32,
    /// How long to measure, in seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub seconds: u64,
    /// How long to run before measuring, in seconds.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(0..=600))]
    pub warmup_seconds: u64,
    /// Everybody's first item is the same variant.
    #[arg(long)]
    pub hot: bool,
    /// Checkouts begun per second, whether or not earlier ones are done; as many as possible where left out.
    #[arg(long)]
    pub rate: Option<f64>,
    /// A server that runs already, such as http://127.0.0.1:8080; one is started on an empty folder where left out.
    #[arg(long)]
    pub target: Option<String>,
    /// An administrator's e-mail, who fills the shelves.
    #[arg(long, default_value = "admin@demo.haat.test")]
    pub admin: String,
    /// The administrator's password.
    #[arg(long, default_value = "demo-haat-1234", env = "HAAT_BENCH_PASSWORD", hide_env_values = true)]
    pub password: String,
    /// Counts flushes from outside, by strace. Slows the server; take the times from a run without it.
    #[arg(long)]
    pub strace: bool,
    /// JSON instead of text.
    #[arg(long)]
    pub json: bool,
}
