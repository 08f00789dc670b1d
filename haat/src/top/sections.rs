//! Which figures stand where, and which of them are a reason to look.

use super::page::{Mood, Page, Row, Table, bytes, count, duration, number};
use super::samples::{Samples, Where, quantile};

/// Behind by so many seconds, a reader is worth a look; by more, it is bad.
const LAG_SECONDS: (f64, f64) = (1.0, 30.0);
/// A request in a hundred that takes so long is worth a look.
const SLOW_SECONDS: f64 = 1.0;

/// Two looks and the time between them.
struct Between<'a> {
    before: &'a Samples,
    now: &'a Samples,
    seconds: f64,
}

/// Everything that is shown.
pub(super) fn page(server: &str, before: &Samples, now: &Samples, seconds: f64) -> Page {
    let between = Between { before, now, seconds: seconds.max(0.001) };
    let tables = vec![between.requests(), between.business(), between.database(), between.readers(), between.sagas(), between.unfinished()];
    Page { head: between.head(server), tables }
}

impl Between<'_> {
    fn now(&self, name: &str, wanted: Where) -> f64 {
        self.now.sum(name, wanted).unwrap_or(0.0)
    }

    /// How often in a second. A counter that went back began anew.
    fn rate(&self, name: &str, wanted: Where) -> f64 {
        let (before, now) = (self.before.sum(name, wanted).unwrap_or(0.0), self.now(name, wanted));
        (if now >= before { now - before } else { now }) / self.seconds
    }

    /// Of what came in between.
    fn quantile(&self, share: f64, name: &str, wanted: Where) -> Option<f64> {
        let (before, now) = (self.before.buckets(name, wanted), self.now.buckets(name, wanted));
        let earlier = |bound: f64| before.iter().find(|(known, _)| known.total_cmp(&bound).is_eq()).map_or(0.0, |(_, n)| *n);
        let came: Vec<_> = now.iter().map(|(bound, n)| (*bound, (n - earlier(*bound)).max(0.0))).collect();
        quantile(share, &came)
    }

    fn head(&self, server: &str) -> String {
        let version = self.now.values(&["haat_build_info"], "version").first().map_or("", |v| *v).to_owned();
        let started = self.now("process_start_time_seconds", &[]);
        let up = (started > 0.0).then(|| kit::Clock::system().now().0 as f64 / 1e6 - started);
        let database = self.now("haat_db_file_bytes", &[]) + self.now("haat_db_wal_bytes", &[]);
        let mut head = format!("haat {version} at {server}   up {}   ", duration(up));
        head += &format!(
            "CPU {:.0} %   memory {}",
            self.rate("process_cpu_seconds_total", &[]) * 100.0,
            bytes(self.now("process_resident_memory_bytes", &[]))
        );
        if database > 0.0 {
            head +=
                &format!("   database {} + {} log", bytes(self.now("haat_db_file_bytes", &[])), bytes(self.now("haat_db_wal_bytes", &[])));
        }
        head
    }

    /// By service: how many, how they ended, how long they took.
    fn requests(&self) -> Table {
        const REQUESTS: &str = "haat_http_requests_total";
        const TOOK: &str = "haat_http_request_seconds";
        let statuses = self.now.values(&[REQUESTS], "status");
        let row = |name: &str, of: Where| {
            let class = |first: char| -> f64 {
                let of_class = statuses.iter().filter(|status| status.starts_with(first));
                of_class.map(|status| self.rate(REQUESTS, &[of, &[("status", *status)]].concat())).sum()
            };
            let [fine, elsewhere, wrong, failed] = ['2', '3', '4', '5'].map(class);
            let (p50, p99) = (self.quantile(0.5, TOOK, of), self.quantile(0.99, TOOK, of));
            let slow = p99.is_some_and(|p99| p99 > SLOW_SECONDS);
            let mood = if failed > 0.0 {
                Mood::Bad
            } else if slow {
                Mood::Busy
            } else {
                Mood::Calm
            };
            let rates = [self.rate(REQUESTS, of), fine, elsewhere, wrong, failed].map(number);
            Row::new(name, rates.into_iter().chain([duration(p50), duration(p99)]), mood)
        };
        let services = self.now.values(&[REQUESTS], "service");
        let mut rows: Vec<Row> = services.into_iter().map(|service| row(service, &[("service", service)])).collect();
        rows.push(row("all", &[]));
        Table { title: "Requests per second", columns: &["service", "all", "2xx", "3xx", "4xx", "5xx", "p50", "p99"], rows }
    }

    /// What the marketplace does.
    fn business(&self) -> Table {
        const EVENTS: [(&str, &str); 7] = [
            ("orders placed", "order.created"),
            ("orders confirmed", "order.confirmed"),
            ("orders failed", "order.failed"),
            ("orders cancelled", "order.cancelled"),
            ("payments completed", "payment.completed"),
            ("payments failed", "payment.failed"),
            ("refunds", "payment.refunded"),
        ];
        let event = |(name, kind): (&str, &'static str)| {
            let of: Where = &[("type", kind)];
            Row::new(name, [number(self.rate("haat_events_total", of)), count(self.now("haat_events_total", of))], Mood::Calm)
        };
        let mut rows: Vec<Row> = EVENTS.into_iter().map(event).collect();
        for (name, state) in [("units on hand", "on_hand"), ("units reserved", "reserved")] {
            if let Some(units) = self.now.sum("haat_stock_units", &[("state", state)]) {
                rows.push(Row::new(name, ["".into(), number(units)], Mood::Calm));
            }
        }
        Table { title: "Orders, payments, stock", columns: &["", "per s", "since start"], rows }
    }

    fn database(&self) -> Table {
        let row = |name: &str, of: Where| {
            let refused = self.rate("haat_db_failures_total", of);
            let rates = ["haat_db_transactions_total", "haat_db_reads_total", "haat_db_statements_total", "haat_db_refusals_total"];
            let figures = rates.map(|rate| number(self.rate(rate, of))).into_iter().chain([number(refused)]);
            Row::new(name, figures, if refused > 0.0 { Mood::Busy } else { Mood::Calm })
        };
        let services = self.now.values(&["haat_db_transactions_total", "haat_db_reads_total"], "service");
        let mut rows: Vec<Row> = services.into_iter().map(|service| row(service, &[("service", service)])).collect();
        rows.push(row("all", &[]));
        let overloaded = self.rate("haat_db_overloaded_total", &[]);
        let (p50, p99) = (self.quantile(0.5, "haat_db_flush_seconds", &[]), self.quantile(0.99, "haat_db_flush_seconds", &[]));
        let flushes = [number(self.rate("haat_db_flushes_total", &[])), format!("p50 {}", duration(p50)), format!("p99 {}", duration(p99))];
        rows.push(Row::new("flushes", flushes, Mood::Calm));
        let waiting = [count(self.now("haat_db_waiting_closures", &[])), "turned away".into(), number(overloaded)];
        rows.push(Row::new("waiting", waiting, if overloaded > 0.0 { Mood::Bad } else { Mood::Calm }));
        Table { title: "Database per second", columns: &["service", "writes", "reads", "statements", "refused", "failed"], rows }
    }

    /// Who takes in whose events.
    fn readers(&self) -> Table {
        let pairs = self.now.pairs("haat_reader_lag_seconds", ("subscriber", "source"));
        let row = |(subscriber, source): (&str, &str)| {
            let of: Where = &[("subscriber", subscriber), ("source", source)];
            let lag = self.now.max("haat_reader_lag_seconds", of).unwrap_or(0.0);
            let (blocked, paused) = (self.now("haat_reader_blocked_streams", of), self.now("haat_reader_paused", of) > 0.0);
            let mood = match lag {
                _ if paused || lag > LAG_SECONDS.1 => Mood::Bad,
                lag if lag > LAG_SECONDS.0 || blocked > 0.0 => Mood::Busy,
                _ => Mood::Calm,
            };
            let rate = self.rate("haat_reader_events_total", of);
            let lag_shown = if lag > 0.0 { duration(Some(lag)) } else { "·".into() };
            let paused = if paused { "paused" } else { "·" };
            Row::new(&format!("{subscriber} < {source}"), [number(rate), lag_shown, count(blocked), paused.into()], mood)
        };
        let rows = pairs.into_iter().map(row).collect();
        Table { title: "Readers", columns: &["subscriber < source", "events/s", "lag", "blocked", "paused"], rows }
    }

    fn sagas(&self) -> Table {
        let row = |(service, kind): (&str, &str)| {
            let of = |status: &'static str| self.now("haat_sagas", &[("service", service), ("type", kind), ("status", status)]);
            let figures = ["running", "waiting", "compensating", "stuck"].map(of);
            Row::new(kind, figures.map(count), if figures[3] > 0.0 { Mood::Bad } else { Mood::Calm })
        };
        let rows = self.now.pairs("haat_sagas", ("service", "type")).into_iter().map(row).collect();
        Table { title: "Sagas that are not done", columns: &["type", "running", "waiting", "unwinding", "stuck"], rows }
    }

    fn unfinished(&self) -> Table {
        let row = |service: &str| {
            let jobs = |state: &'static str| self.now("haat_jobs", &[("service", service), ("state", state)]);
            let events = |state: &'static str| self.now("haat_inbox_events", &[("service", service), ("state", state)]);
            let due = self.now("haat_jobs_due", &[("service", service)]);
            let figures = [due, jobs("queued"), jobs("running"), jobs("dead"), events("parked"), events("dead")];
            let mood = if figures[3] + figures[5] > 0.0 { Mood::Bad } else { Mood::Calm };
            Row::new(service, figures.map(count), mood)
        };
        let rows = self.now.values(&["haat_jobs", "haat_inbox_events"], "service").into_iter().map(row).collect();
        let columns = &["service", "due", "queued", "running", "dead", "parked", "dead letters"];
        Table { title: "Jobs and events that wait", columns, rows }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(page: &Page, title: &str, name: &str) -> (Vec<String>, Mood) {
        let table = page.tables.iter().find(|t| t.title.starts_with(title)).unwrap();
        let row = table.rows.iter().find(|r| r.cells[0] == name).unwrap_or_else(|| panic!("no {name}:\n{}", page.text()));
        (row.cells[1..].to_vec(), row.mood)
    }

    #[test]
    fn rates_are_of_the_time_between_and_what_is_bad_is_marked() {
        let requests = |orders: u32, failed: u32| {
            Samples::parse(&format!(
                "haat_http_requests_total{{service=\"orders\",method=\"POST\",route=\"/o\",status=\"201\"}} {orders}\n\
                 haat_http_requests_total{{service=\"cart\",method=\"GET\",route=\"/c\",status=\"500\"}} {failed}\n\
                 haat_http_request_seconds_bucket{{service=\"orders\",route=\"/o\",le=\"0.01\"}} {orders}\n\
                 haat_http_request_seconds_bucket{{service=\"orders\",route=\"/o\",le=\"+Inf\"}} {orders}\n\
                 haat_events_total{{service=\"orders\",type=\"order.created\"}} {orders}\n\
                 haat_sagas{{service=\"orders\",type=\"order_fulfilment\",status=\"stuck\"}} {failed}\n\
                 haat_jobs{{service=\"orders\",state=\"queued\"}} 4\nhaat_jobs_due{{service=\"orders\"}} 1\n\
                 haat_reader_lag_seconds{{subscriber=\"notifications\",source=\"orders\"}} 2.5\n"
            ))
        };
        let page = page("http://haat.test", &requests(100, 0), &requests(140, 2), 2.0);
        let cells = |cells: &[&str]| cells.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>();
        let of_orders = cells(&["20", "20", "·", "·", "·", "5.0 ms", "9.9 ms"]);
        assert_eq!(row(&page, "Requests", "orders"), (of_orders, Mood::Calm));
        assert_eq!(row(&page, "Requests", "cart").1, Mood::Bad);
        assert_eq!(row(&page, "Requests", "all").0[0], "21");
        assert_eq!(row(&page, "Orders", "orders placed").0, cells(&["20", "140"]));
        assert_eq!(row(&page, "Sagas", "order_fulfilment"), (cells(&["·", "·", "·", "2"]), Mood::Bad));
        assert_eq!(row(&page, "Jobs", "orders").0, cells(&["1", "4", "·", "·", "·", "·"]));
        assert_eq!(row(&page, "Readers", "notifications < orders"), (cells(&["·", "2.5 s", "·", "·"]), Mood::Busy));
    }

    #[test]
    fn a_process_that_began_anew_has_no_negative_rates() {
        let orders = |n: u32| Samples::parse(&format!("haat_events_total{{type=\"order.created\"}} {n}"));
        let page = page("http://haat.test", &orders(1_000), &orders(10), 1.0);
        assert_eq!(row(&page, "Orders", "orders placed").0[0], "10");
    }
}
