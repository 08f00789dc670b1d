//! The page on a terminal, looked at again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Text};
use ratatui::widgets::{Block, Cell, Clear, Paragraph, Row as Drawn, Table as Drawing};
use tokio::sync::mpsc;

use super::page::{Mood, Page, Table};
use super::scrape::Scraper;
use super::{Look, look, page_of};

/// How long the reader of keys goes without asking whether it is still wanted.
const KEYS_EVERY: Duration = Duration::from_millis(100);

const HELP: &str = "\
 q, Esc   ends          p, space  stops and goes on
 ?, h     this help     Ctrl-C    ends

 Rates are of the time between two looks at /metrics; gauges of
 sagas, jobs and dead letters are looked up every 15 seconds.
 Yellow may pass by itself, red does not: see docs/operations/runbooks.";

/// What is shown at the moment.
struct View {
    page: Page,
    /// Why the last look brought nothing.
    trouble: Option<String>,
    help: bool,
    paused: bool,
}

/// What a key asks for.
enum Wish {
    End,
    Help,
    Pause,
    Nothing,
}

/// Shows pages until somebody ends it; the terminal is then as it was.
pub(super) async fn show(scraper: &Scraper, first: Look, every: Duration) -> anyhow::Result<()> {
    let wanted = Arc::new(AtomicBool::new(true));
    let mut terminal = ratatui::try_init()?;
    let keys = keys(&wanted);
    let ended = looks(&mut terminal, scraper, first, every, keys).await;
    wanted.store(false, Ordering::Relaxed);
    ratatui::try_restore()?;
    ended
}

async fn looks(
    terminal: &mut ratatui::DefaultTerminal,
    scraper: &Scraper,
    first: Look,
    every: Duration,
    mut keys: mpsc::UnboundedReceiver<Event>,
) -> anyhow::Result<()> {
    let mut view = View { page: page_of(scraper, &first, &first), trouble: None, help: false, paused: false };
    let (mut before, mut ticks) = (first, tokio::time::interval(every));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        terminal.draw(|frame| draw(frame, &view))?;
        tokio::select! {
            biased;
            key = keys.recv() => match key.as_ref().map(wish) {
                None | Some(Wish::End) => return Ok(()),
                Some(Wish::Help) => view.help = !view.help,
                Some(Wish::Pause) => view.paused = !view.paused,
                Some(Wish::Nothing) => {}
            },
            _ = ticks.tick(), if !view.paused => match look(scraper).await {
                Ok(now) => {
                    (view.page, view.trouble) = (page_of(scraper, &before, &now), None);
                    before = now;
                }
                Err(e) => view.trouble = Some(format!("{e:#}")),
            },
        }
    }
}

/// Reads keys on a thread of its own: that cannot be waited for otherwise.
fn keys(wanted: &Arc<AtomicBool>) -> mpsc::UnboundedReceiver<Event> {
    let (sender, keys) = mpsc::unbounded_channel();
    let wanted = wanted.clone();
    std::thread::spawn(move || {
        while wanted.load(Ordering::Relaxed) {
            match event::poll(KEYS_EVERY) {
                Ok(false) => {}
                Ok(true) if event::read().is_ok_and(|key| sender.send(key).is_ok()) => {}
                Ok(true) | Err(_) => return,
            }
        }
    });
    keys
}

fn wish(event: &Event) -> Wish {
    let Event::Key(KeyEvent { code, modifiers, kind: KeyEventKind::Press, .. }) = event else { return Wish::Nothing };
    match code {
        KeyCode::Char('c') if modifiers.contains(KeyModifiers::CONTROL) => Wish::End,
        KeyCode::Char('q') | KeyCode::Esc => Wish::End,
        KeyCode::Char('?' | 'h') => Wish::Help,
        KeyCode::Char('p' | ' ') => Wish::Pause,
        _ => Wish::Nothing,
    }
}

fn draw(frame: &mut Frame, view: &View) {
    let rows = Layout::vertical([Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)]).split(frame.area());
    frame.render_widget(Paragraph::new(Line::styled(&*view.page.head, Modifier::BOLD)), rows[0]);
    draw_tables(frame, &view.page.tables, rows[1]);
    let foot = match &view.trouble {
        Some(trouble) => Line::styled(format!("{trouble} - what stands above is older"), Color::Red),
        None if view.paused => Line::styled("paused: p goes on", Color::Yellow),
        None => Line::styled("q end  ? help  p pause", Color::DarkGray),
    };
    frame.render_widget(Paragraph::new(foot), rows[2]);
    if view.help {
        let area = middle(frame.area(), 68, 8);
        frame.render_widget(Clear, area);
        frame.render_widget(Paragraph::new(Text::raw(HELP)).block(Block::bordered().title(" haat top ")), area);
    }
}

/// Wide terminals have two columns, narrow ones one; what does not fit is left out from the end.
fn draw_tables(frame: &mut Frame, tables: &[Table], area: Rect) {
    let columns = if area.width >= WIDE { 2 } else { 1 };
    let places = Layout::horizontal(vec![Constraint::Fill(1); columns]).spacing(2).split(area);
    for (column, place) in places.iter().enumerate() {
        let mut top = place.y;
        for table in tables.iter().skip(column).step_by(columns) {
            let left = place.bottom().saturating_sub(top);
            let height = u16::try_from(table.rows.len() + 2).unwrap_or(u16::MAX).min(left);
            if height < 3 {
                break;
            }
            draw_table(frame, table, Rect { y: top, height, ..*place });
            top += height + 1;
        }
    }
}

/// From so many columns of characters on, tables stand side by side.
const WIDE: u16 = 124;

fn draw_table(frame: &mut Frame, table: &Table, area: Rect) {
    let title = Rect { height: 1, ..area };
    frame.render_widget(Paragraph::new(Line::styled(table.title, Style::new().fg(Color::Cyan).add_modifier(Modifier::BOLD))), title);
    let right = |text: &str, place: usize| {
        let line = Line::raw(text.to_owned());
        Cell::from(if place == 0 { line } else { line.right_aligned() })
    };
    let head = Drawn::new(table.columns.iter().enumerate().map(|(place, name)| right(name, place))).style(Modifier::DIM);
    let rows = table.rows.iter().map(|row| {
        let style = match row.mood {
            Mood::Calm => Style::new(),
            Mood::Busy => Style::new().fg(Color::Yellow),
            Mood::Bad => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
        };
        Drawn::new(row.cells.iter().enumerate().map(|(place, cell)| right(cell, place))).style(style)
    });
    let widths = table.widths().into_iter().map(|width| Constraint::Length(u16::try_from(width).unwrap_or(u16::MAX)));
    let drawing = Drawing::new(rows, widths).header(head).column_spacing(2);
    frame.render_widget(drawing, Rect { y: area.y + 1, height: area.height - 1, ..area });
}

fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::super::page::Row;
    use super::*;

    fn drawn(width: u16, height: u16, help: bool) -> String {
        let rows = || (0..4).map(|n| Row::new(&format!("row {n}"), [n.to_string()], Mood::Bad)).collect();
        let table = |title| Table { title, columns: &["name", "per s"], rows: rows() };
        let page = Page { head: "haat at here".into(), tables: vec![table("One"), table("Two"), table("Three")] };
        let view = View { page, trouble: Some("gone".into()), help, paused: false };
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, &view)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn tables_stand_side_by_side_where_there_is_room() {
        let wide = drawn(130, 24, false);
        assert!(wide.lines().any(|line| line.contains("One") && line.contains("Two")), "{wide}");
        assert!(wide.contains("Three") && wide.contains("gone"), "{wide}");
        let narrow = drawn(60, 24, false);
        assert!(narrow.contains("Three") && !narrow.lines().any(|line| line.contains("One") && line.contains("Two")), "{narrow}");
    }

    #[test]
    fn any_size_will_do() {
        for (width, height) in [(1, 1), (10, 3), (60, 5), (300, 100)] {
            drawn(width, height, false);
            drawn(width, height, true);
        }
        assert!(drawn(80, 24, true).contains("this help"));
    }
}
