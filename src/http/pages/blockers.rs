//! The page of who blocks whom: a matrix of waiters and holders, and each of them with the other
//! side.
#![forbid(unsafe_code)]

use std::collections::HashMap;

use super::html::{Html, bar, breakable, html, when};
use super::live;
use super::stacks::{Place, Stacks, percent};
use super::view::{Page, View};
use crate::http::call::{Answer, Call};
use crate::profile::address::{BLOCKED_BY_NAME, WAKEUP_NAME};
use crate::profile::kind::ProfileKind;
use crate::profile::owner::is_of_library;
use crate::text::units::shortened;

/// Rows and columns of the matrix besides the others: what a phone has room for.
const SHOWN: usize = 8;

/// Sites of each side below the matrix, and those of the other side for each of them.
const LISTED: usize = 50;

/// Shades of the matrix, as the style sheet has them.
const SHADES: f64 = 5.0;

pub(super) const PATH: &str = "blockers";

const PAGE: Page = Page {
    path: PATH,
    scripts: &["window.js", "blockers.js"],
    content: |view| Ok(content(view)),
};

pub(in crate::http) fn blockers(call: &Call<'_>) -> Answer {
    live::answer_of(call, ProfileKind::Pairs, &PAGE)
}

pub(super) fn content(view: &View<'_>) -> Html {
    if view.is_empty() {
        return view.shown.why_empty.clone();
    }
    let pairs = Pairs::of(view.shown.stacks, view.measure);
    html!(
        "<section>\n<h2>The rows wait for the columns</h2>\n{}</section>\n\
         <div class=\"both\">\n{}{}</div>\n",
        matrix(view, &pairs),
        side(view, &pairs, Side::Waiter),
        side(view, &pairs, Side::Blocker),
    )
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Waiter,
    Blocker,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Waiter => Self::Blocker,
            Self::Blocker => Self::Waiter,
        }
    }

    /// The anchor of a site on this side.
    fn anchor(self, index: usize) -> String {
        let name = match self {
            Self::Waiter => "waiter",
            Self::Blocker => "blocker",
        };
        format!("{name}-{}", index + 1)
    }
}

/// An amount of the measure that counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Amount {
    value: f64,
    /// The part of it in which nobody held the lock.
    wakeup: f64,
}

impl Amount {
    fn add(&mut self, other: Self) {
        self.value += other.value;
        self.wakeup += other.wakeup;
    }
}

/// A call site on one of the sides.
#[derive(Debug)]
struct PairedSite<'a> {
    place: Option<Place<'a>>,
    amount: Amount,
}

/// The sites of both sides, the largest first, and what each pair of them has.
#[derive(Debug)]
struct Pairs<'a> {
    waiters: Vec<PairedSite<'a>>,
    blockers: Vec<PairedSite<'a>>,
    /// By the positions of the waiter and of the blocker.
    amounts: HashMap<(usize, usize), Amount>,
    total: f64,
}

impl<'a> Pairs<'a> {
    fn of(stacks: &'a dyn Stacks, measure: usize) -> Self {
        let mut sums: HashMap<[Option<Place<'a>>; 2], Amount> = HashMap::new();
        for stack in 0..stacks.len() {
            let frames = stacks.frames(stack);
            let (release, waiter) = halves(&frames);
            let value = stacks.value(stack, measure);
            let is_wakeup = frames
                .first()
                .is_some_and(|leaf| leaf.function == WAKEUP_NAME);
            let amount = Amount {
                value,
                wakeup: if is_wakeup { value } else { 0.0 },
            };
            sums.entry([site(waiter), site(release)])
                .or_default()
                .add(amount);
        }
        let (waiters, waiter_at) = sites(sums.iter().map(|([waiter, _], sum)| (*waiter, *sum)));
        let (blockers, blocker_at) = sites(sums.iter().map(|([_, release], sum)| (*release, *sum)));
        let amounts = sums.into_iter();
        let amounts: HashMap<_, _> = amounts
            .map(|([waiter, release], sum)| ((waiter_at[&waiter], blocker_at[&release]), sum))
            .collect();
        Self {
            total: amounts.values().map(|amount| amount.value).sum(),
            waiters,
            blockers,
            amounts,
        }
    }

    fn side(&self, side: Side) -> &[PairedSite<'a>] {
        match side {
            Side::Waiter => &self.waiters,
            Side::Blocker => &self.blockers,
        }
    }

    /// The other side of a site, the largest first.
    fn opposite(&self, side: Side, index: usize) -> Vec<(usize, Amount)> {
        let own = self.amounts.iter().filter_map(|(pair, amount)| {
            let (this, other) = match side {
                Side::Waiter => *pair,
                Side::Blocker => (pair.1, pair.0),
            };
            (this == index).then_some((other, *amount))
        });
        let mut own: Vec<_> = own.collect();
        own.sort_by(|a, b| b.1.value.total_cmp(&a.1.value).then(a.0.cmp(&b.0)));
        own
    }

    /// The amount of a cell. The last row and the last column are those of the others.
    fn cell(&self, row: usize, column: usize) -> f64 {
        let is_in = |index: usize, cell: usize| index.min(SHOWN) == cell;
        let amounts = self.amounts.iter();
        amounts
            .filter(|(pair, _)| is_in(pair.0, row) && is_in(pair.1, column))
            .map(|(_, amount)| amount.value)
            .sum()
    }
}

/// The frames of the release and those of the waiter, leaf first. Of a stack that is no pair's both
/// are all of it.
fn halves<'f, 'a>(frames: &'f [Place<'a>]) -> (&'f [Place<'a>], &'f [Place<'a>]) {
    let mut names = frames.iter().map(|frame| frame.function);
    match names.position(|name| name == BLOCKED_BY_NAME) {
        Some(between) => (&frames[..between], &frames[between + 1..]),
        None => (frames, frames),
    }
}

/// The first frame that is the program's own.
fn site<'a>(frames: &[Place<'a>]) -> Option<Place<'a>> {
    let mut own = frames.iter();
    own.find(|frame| !is_of_library(frame.function, Some(frame.file)))
        .or(frames.first())
        .copied()
}

type Positions<'a> = HashMap<Option<Place<'a>>, usize>;

/// The largest first, and where each of them is.
fn sites<'a>(
    parts: impl Iterator<Item = (Option<Place<'a>>, Amount)>,
) -> (Vec<PairedSite<'a>>, Positions<'a>) {
    let mut sums: HashMap<Option<Place<'a>>, Amount> = HashMap::new();
    for (place, amount) in parts {
        sums.entry(place).or_default().add(amount);
    }
    let sites = sums.into_iter();
    let mut sites: Vec<_> = sites
        .map(|(place, amount)| PairedSite { place, amount })
        .collect();
    sites.sort_by(|a, b| {
        let by_value = b.amount.value.total_cmp(&a.amount.value);
        by_value.then(a.place.cmp(&b.place))
    });
    let positions = sites.iter().enumerate();
    let positions = positions.map(|(at, site)| (site.place, at)).collect();
    (sites, positions)
}

fn matrix(view: &View<'_>, pairs: &Pairs<'_>) -> Html {
    let lines = |sites: usize| sites.min(SHOWN + 1);
    let columns = lines(pairs.blockers.len());
    let rows = lines(pairs.waiters.len());
    let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    let most = cells.map(|(row, column)| pairs.cell(row, column));
    let most = most.fold(0.0, f64::max);
    let titles = (0..columns).map(|column| {
        let (title, words) = match column {
            SHOWN => ("all others".to_owned(), html!("…")),
            _ => (
                name(&pairs.blockers[column]).to_owned(),
                anchored(Side::Blocker, column, html!("{}", column + 1)),
            ),
        };
        html!("<th scope=\"col\" title=\"{}\">{}</th>", title, words)
    });
    let lines = (0..rows).map(|row| {
        let cells = (0..columns).map(|column| cell(view, pairs, (row, column), most));
        html!(
            "<tr><th scope=\"row\" title=\"{}\">{}</th>{}</tr>\n",
            name_of_row(pairs, row),
            match row {
                SHOWN => html!("others"),
                _ => anchored(Side::Waiter, row, short(name(&pairs.waiters[row]))),
            },
            cells.collect::<Html>(),
        )
    });
    let blockers = pairs.blockers.iter().take(SHOWN).enumerate();
    let blockers = blockers.map(|(at, site)| {
        html!(
            "<li>{}</li>",
            anchored(Side::Blocker, at, breakable(name(site)))
        )
    });
    html!(
        "<table class=\"matrix\">\n<thead><tr><td></td>{}</tr></thead>\n<tbody>\n{}</tbody>\n</table>\n\
         <ol class=\"columns function\">{}</ol>\n",
        titles.collect::<Html>(),
        lines.collect::<Html>(),
        blockers.collect::<Html>(),
    )
}

fn name_of_row<'p>(pairs: &'p Pairs<'_>, row: usize) -> &'p str {
    match row {
        SHOWN => "all others",
        _ => name(&pairs.waiters[row]),
    }
}

fn cell(view: &View<'_>, pairs: &Pairs<'_>, (row, column): (usize, usize), most: f64) -> Html {
    let value = pairs.cell(row, column);
    if value <= 0.0 {
        return html!("<td></td>");
    }
    let blocker = match column {
        SHOWN => "all others",
        _ => name(&pairs.blockers[column]),
    };
    let shade = (value / most * SHADES).ceil().clamp(1.0, SHADES) as u64;
    let what = format!(
        "{} waits for {}: {}, {}",
        name_of_row(pairs, row),
        blocker,
        view.amount(value),
        percent(value, pairs.total),
    );
    html!(
        "<td class=\"shade-{}\" title=\"{}\"><span>{}</span></td>",
        shade,
        what,
        view.amount(value),
    )
}

/// One side, each site with those of the other side.
fn side(view: &View<'_>, pairs: &Pairs<'_>, side: Side) -> Html {
    let (title, explained) = match side {
        Side::Waiter => ("Who waits", "Each with its blockers, and their shares."),
        Side::Blocker => (
            "Who makes others wait",
            "Each with its victims, and their shares.",
        ),
    };
    let sites = pairs.side(side);
    let groups = sites.iter().take(LISTED).enumerate();
    let groups = groups.map(|(at, site)| group(view, pairs, side, at, site));
    html!(
        "<section>\n<h2>{}</h2>\n<p class=\"explained\">{}</p>\n{}{}</section>\n",
        title,
        explained,
        groups.collect::<Html>(),
        more(sites.len()),
    )
}

fn more(sites: usize) -> Html {
    match sites.saturating_sub(LISTED) {
        0 => Html::default(),
        more => html!("<p class=\"hint\">{} more have less.</p>\n", more),
    }
}

fn group(view: &View<'_>, pairs: &Pairs<'_>, side: Side, at: usize, site: &PairedSite<'_>) -> Html {
    let opposite = pairs.opposite(side, at);
    let rows = opposite.iter().take(LISTED).map(|(other, amount)| {
        html!(
            "<li>{}<b>{}</b><span>{}</span><span class=\"function\">{}{}</span></li>\n",
            bar(amount.value as u64, site.amount.value as u64),
            view.amount(amount.value),
            percent(amount.value, site.amount.value),
            match *other < LISTED {
                true => {
                    let words = breakable(name(&pairs.side(side.other())[*other]));
                    anchored(side.other(), *other, words)
                }
                false => breakable(name(&pairs.side(side.other())[*other])),
            },
            wakeup(view, *amount),
        )
    });
    let address = site
        .place
        .and_then(|place| view.address_of_function(place.function, ""));
    let function = address.map(|address| html!(" <a href=\"{}\">its stacks</a>", address));
    html!(
        "<details class=\"group\" id=\"{}\"{}>\n<summary><b class=\"waited\">{}</b> <span>{}</span> \
         <span class=\"name function\">{}</span></summary>\n\
         <p class=\"where\">{}{}</p>\n<ul class=\"worst\">\n{}</ul>\n{}</details>\n",
        side.anchor(at),
        when(at == 0, " open"),
        view.amount(site.amount.value),
        percent(site.amount.value, pairs.total),
        breakable(name(site)),
        site.place
            .map(|place| place.file_and_line(shortened))
            .unwrap_or_default(),
        function.unwrap_or_default(),
        rows.collect::<Html>(),
        more(opposite.len()),
    )
}

/// Shorter sections do not help against it.
fn wakeup(view: &View<'_>, amount: Amount) -> Html {
    match amount.wakeup > 0.0 {
        true => html!(
            " <span class=\"kind\">({} of it: woken, and no processor yet)</span>",
            view.amount(amount.wakeup)
        ),
        false => Html::default(),
    }
}

fn anchored(side: Side, at: usize, words: Html) -> Html {
    html!("<a href=\"#{}\">{}</a>", side.anchor(at), words)
}

fn name<'a>(site: &PairedSite<'a>) -> &'a str {
    site.place.map_or("-", |place| place.function)
}

/// The last two segments of a path, where the matrix has no room for more.
fn short(name: &str) -> Html {
    let mut ends = name.rmatch_indices("::").map(|(at, _)| at + 2);
    let begin = ends.nth(1).unwrap_or(0);
    // Not within the parameters of a type.
    match name[begin..].contains('>') && !name[begin..].contains('<') {
        true => breakable(name),
        false => breakable(&name[begin..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::pages::tests::viewed;
    use crate::profile::Profile;
    use crate::profile::kind::Kind;
    use crate::profile::tests::{location, profile, sample};

    const MS: u64 = 1_000_000;

    /// One waits 30 + 10 ms for two, one of them after a wake-up, another 60 ms for the first.
    fn pairs() -> Profile {
        let between = || location(0, &[BLOCKED_BY_NAME]);
        let wakeup = || location(0, &[WAKEUP_NAME]);
        let drop = || location(0x2000, &["contend::sync::MutexGuard<T>::drop"]);
        let lock = || location(0x2100, &["contend::sync::Mutex<T>::lock"]);
        let site = |at: u64, name: &str| location(0x3000 + at, &[name]);
        let (cart, pay) = (|| site(1, "shop::cart::add"), || site(2, "shop::pay"));
        let (report, expire) = (
            || site(3, "shop::<script>report"),
            || site(4, "shop::expire"),
        );
        let of_kind = |millis: u64, stack: &[_]| sample(Kind::MUTEX, 1.0, millis * MS, stack);
        profile(vec![
            of_kind(30, &[drop(), report(), between(), lock(), cart()]),
            of_kind(10, &[wakeup(), drop(), expire(), between(), lock(), cart()]),
            of_kind(60, &[drop(), report(), between(), lock(), pay()]),
        ])
    }

    #[test]
    fn both_sides_have_their_sums() {
        let profile = pairs();
        let pairs = Pairs::of(&profile, 1);
        let side = |sites: &[PairedSite<'_>]| -> Vec<(String, u64)> {
            let sites = sites.iter();
            sites
                .map(|site| (name(site).to_owned(), site.amount.value as u64 / MS))
                .collect()
        };
        assert_eq!(
            side(&pairs.waiters),
            [("shop::pay".into(), 60), ("shop::cart::add".into(), 40)]
        );
        assert_eq!(
            side(&pairs.blockers),
            [
                ("shop::<script>report".into(), 90),
                ("shop::expire".into(), 10)
            ]
        );
        let of_cart = pairs.opposite(Side::Waiter, 1);
        let values: Vec<_> = of_cart
            .iter()
            .map(|(at, amount)| (*at, amount.value as u64 / MS, amount.wakeup as u64 / MS))
            .collect();
        assert_eq!(values, [(0, 30, 0), (1, 10, 10)]);
        assert_eq!(pairs.cell(1, 1) as u64, 10 * MS);
        assert_eq!(pairs.total as u64, 100 * MS);
    }

    #[test]
    fn more_than_the_matrix_has_room_for_are_others() {
        let stack = |at: u64| {
            let site = |name: &str, side: u64| {
                location(0x100 * (at + 1) + side, &[&format!("shop::{name}{at}")])
            };
            let between = location(0, &[BLOCKED_BY_NAME]);
            let stack = [site("release", 1), between, site("wait", 2)];
            sample(Kind::MUTEX, 1.0, (20 - at) * MS, &stack)
        };
        let profile = profile((0..12).map(stack).collect());
        let pairs = Pairs::of(&profile, 1);
        assert_eq!(pairs.cell(0, 0) as u64, 20 * MS);
        assert_eq!(pairs.cell(0, 1) as u64, 0);
        let others: u64 = (SHOWN as u64..12).map(|at| 20 - at).sum();
        assert_eq!(pairs.cell(SHOWN, SHOWN) as u64, others * MS);
        let sum: f64 = (0..=SHOWN)
            .flat_map(|row| (0..=SHOWN).map(move |column| (row, column)))
            .map(|(row, column)| pairs.cell(row, column))
            .sum();
        assert_eq!(sum, pairs.total);
    }

    #[test]
    fn the_page_has_a_matrix_and_both_lists() {
        let all = pairs();
        let page = viewed(&all, "", content);
        for part in [
            "<th scope=\"row\" title=\"shop::pay\"><a href=\"#waiter-1\">",
            "title=\"shop::pay waits for shop::&lt;script&gt;report: 60.0ms, 60.0%\"",
            "<td class=\"shade-5\"",
            "<details class=\"group\" id=\"blocker-2\">",
            "10.0ms of it: woken",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
        assert!(!page.contains("<script>report"), "{page}");
        let empty = viewed(&profile(vec![]), "", content);
        assert!(!empty.contains("matrix"), "{empty}");
    }

    #[test]
    fn long_names_are_cut_at_segments() {
        let text = |name: &str| String::from_utf8(short(name).into()).unwrap();
        assert_eq!(text("shop::orders::cart::add"), "cart::<wbr>add");
        assert_eq!(text("main"), "main");
        assert_eq!(
            text("shop::Cache<a::b::C>"),
            "shop::<wbr>Cache&lt;a::<wbr>b::<wbr>C&gt;"
        );
    }
}
