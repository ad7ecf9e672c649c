//! What others wrote, made safe and measured: names, texts, file names, even the words of errors.
//!
//! Nothing that passes [`clean`] can move the cursor, colour the screen, reorder a line or take another number
//! of columns than [`width`] says, on any terminal. This module owns that promise and the breaking of lines
//! ([`wrap`], [`fit`]); colours and places are the screen's. Letters of right-to-left scripts stay as they are:
//! a terminal that reorders them does so within their line.

mod wrap;

#[cfg(test)]
mod tests;

use parlor::protocol::text::is_bidi_control;
use ratatui::buffer::CellWidth;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

pub(crate) use wrap::wrap;

/// Stands for a character that would act on the terminal, or that terminals do not agree on.
const REFUSED: &str = "\u{fffd}";
/// Carries combining marks that have nothing to stand on.
const DOTTED_CIRCLE: char = '\u{25cc}';
/// Marks that one base may carry: real scripts need three, the rest is zalgo that runs over its neighbours' lines.
const MARKS_ON_A_BASE: usize = 4;
/// Columns of one grapheme cluster. Real conjuncts take five; unbounded ones could not be wrapped.
const CLUSTER_COLUMNS: usize = 8;
/// Tab stops, counted from where the text begins.
const TAB_COLUMNS: usize = 4;

/// One line of anything, made harmless.
///
/// - Controls (newlines too, see [`lines`]), bidi controls, interlinear annotations, noncharacters, unassigned
///   characters and format characters that are seen (`U+06DD`) become U+FFFD: they hint at an attack, or
///   terminals disagree about their width.
/// - Ignorable characters vanish: soft hyphens, tags, variation selectors, byte order marks and the like.
/// - Joined emoji come apart and lose their skin tones: some terminals draw a family as one picture of two
///   columns, others as three of two, and a line whose width is not known tears the panes beside it.
/// - Joiners between letters stay: Persian and the scripts of India cannot be written without them.
/// - Tabs become blanks up to the next stop, line and paragraph separators one blank.
/// - A base keeps four combining marks; marks without a base get a dotted circle.
pub(crate) fn clean(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let harmless = harmless_characters(text);
    let mut cleaned = String::with_capacity(harmless.len());
    let mut columns = 0;
    for cluster in harmless.graphemes(true) {
        let start = cleaned.len();
        push_cluster(&mut cleaned, cluster, columns);
        columns += width(&cleaned[start..]);
    }
    cleaned
}

/// The lines of a text that may hold newlines, each cleaned; one at least, and none for a newline at the end.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = String> + '_ {
    text.strip_suffix('\n').unwrap_or(text).split('\n').map(|line| clean(line.strip_suffix('\r').unwrap_or(line)))
}

/// The columns that a cleaned text takes: the sum over its grapheme clusters, since ratatui gives each a cell of
/// its own. (unicode-width's answer for a whole string counts Arabic lam and alef as one column, across cells.)
pub(crate) fn width(text: &str) -> usize {
    text.graphemes(true).map(grapheme_width).sum()
}

/// A cleaned text in at most `columns`, with `…` at the end if something was cut off.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let Some(room) = columns.checked_sub(1) else { return String::new() };
    let mut used = 0;
    let kept = text.graphemes(true).take_while(|grapheme| {
        used += grapheme_width(grapheme);
        used <= room
    });
    kept.chain(["…"]).collect()
}

/// The columns of one grapheme cluster; none for one with a control, which ratatui leaves out.
fn grapheme_width(grapheme: &str) -> usize {
    if grapheme.contains(char::is_control) { 0 } else { usize::from(grapheme.cell_width()) }
}

/// The first pass, character by character: what may stay, with at most [`MARKS_ON_A_BASE`] marks in a row.
fn harmless_characters(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    let mut marks = 0;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let kept = match verdict(c) {
            Verdict::Keep => c,
            Verdict::Refuse => char::REPLACEMENT_CHARACTER,
            Verdict::Become(other) => other,
            Verdict::Drop => continue,
            Verdict::KeepBetweenLetters => {
                let after_letter = harmless.chars().next_back().is_some_and(is_joining);
                let before_letter = rest.clone().next().is_some_and(|next| is_joining(next) && next.is_alphabetic());
                if !(after_letter && before_letter) {
                    continue;
                }
                c
            }
        };
        // Without regard to clusters: to drop a mark from the end of one might join it with the next.
        marks = if kept.width() == Some(0) { marks + 1 } else { 0 };
        if marks <= MARKS_ON_A_BASE {
            harmless.push(kept);
        }
    }
    harmless
}

/// The second pass, for what depends on the whole grapheme cluster. `column` is where it begins.
fn push_cluster(cleaned: &mut String, cluster: &str, column: usize) {
    if cluster == "\t" {
        cleaned.extend(std::iter::repeat_n(' ', TAB_COLUMNS - column % TAB_COLUMNS));
        return;
    }
    let Some(first) = cluster.chars().next() else { return };
    let columns = grapheme_width(cluster);
    if columns == 0 || is_mark(first) {
        let based = format!("{DOTTED_CIRCLE}{cluster}");
        let takes_base = based.graphemes(true).nth(1).is_none();
        // A jamo that has lost what it belongs to takes none; some marks of Myanmar stand by themselves.
        push_bounded(
            cleaned,
            if takes_base {
                &based
            } else if columns == 0 {
                REFUSED
            } else {
                cluster
            },
        );
    } else if columns == 1 && is_regional_indicator(first) {
        // Half a flag, which terminals draw in one column or in two: the letter that it stands for.
        cleaned.extend(char::from_u32(u32::from(first) - 0x1f1e6 + u32::from('A')));
        cleaned.push_str(&cluster[first.len_utf8()..]);
    } else {
        push_bounded(cleaned, cluster);
    }
}

/// Appends one cluster, or as much of it as [`CLUSTER_COLUMNS`] allow and a mark for the rest.
fn push_bounded(cleaned: &mut String, cluster: &str) {
    if grapheme_width(cluster) <= CLUSTER_COLUMNS {
        cleaned.push_str(cluster);
        return;
    }
    let mut columns = 0;
    cleaned.extend(cluster.chars().take_while(|c| {
        columns += c.width().unwrap_or(0);
        columns < CLUSTER_COLUMNS
    }));
    cleaned.push_str(REFUSED);
}

/// What becomes of a character.
enum Verdict {
    Keep,
    KeepBetweenLetters,
    Become(char),
    Refuse,
    Drop,
}

fn verdict(c: char) -> Verdict {
    match c {
        ' '..='~' | '\t' => Verdict::Keep,
        '\u{2028}' | '\u{2029}' => Verdict::Become(' '),
        // The halfwidth sound marks, of which ratatui takes one for two columns: their wide forms.
        '\u{ff9e}' => Verdict::Become('\u{309b}'),
        '\u{ff9f}' => Verdict::Become('\u{309c}'),
        '\u{200c}' | '\u{200d}' => Verdict::KeepBetweenLetters,
        _ if is_bidi_control(c) => Verdict::Refuse,
        _ if is_ignorable(c) => Verdict::Drop,
        // Egyptian quadrats: outside a font of hieroglyphs they are nothing.
        '\u{13430}'..='\u{1345f}' if c.general_category() == GeneralCategory::Format => Verdict::Drop,
        // The one character of three columns.
        '\u{17d8}' => Verdict::Refuse,
        _ => match c.general_category() {
            GeneralCategory::Control | GeneralCategory::Format | GeneralCategory::Unassigned | GeneralCategory::Surrogate => {
                Verdict::Refuse
            }
            _ => Verdict::Keep,
        },
    }
}

/// Unicode's property `Default_Ignorable_Code_Point` but for joiners and bidi controls, and the skin tones.
fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' | '\u{1f3fb}'..='\u{1f3ff}')
}

/// Letters and marks of the scripts in which a joiner changes what is read: Arabic to Mongolian, and their later blocks.
fn is_joining(c: char) -> bool {
    matches!(c, '\u{600}'..='\u{10ff}' | '\u{1700}'..='\u{1aff}' | '\u{a800}'..='\u{abff}' | '\u{11000}'..='\u{11fff}')
        && (c.is_alphabetic() || is_mark(c))
}

fn is_mark(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Mark
}

fn is_regional_indicator(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}
