//! Chinese, about games.

use std::time::Duration;

use super::super::super::game::event::{Board, GameNews, News, Situation, TableDeed, TableEvent, Uninvited};
use super::super::super::game::refusal::{GameRefusal, NoGame, NotNow};
use super::super::super::game::reply::{Finished, GameReply, Listed, ListedState, Rated};
use super::super::super::game::{End, GameId, Move, Offer, Side, TimeControl, Words};
use super::super::super::name::Name;
use super::super::prose::games::{GamePhrases, span};
use super::Chinese;

impl GamePhrases for Chinese {
    fn words<'a>(&self, words: &'a Words) -> &'a str {
        &words.zh
    }

    fn board<'a>(&self, board: &'a Board) -> &'a [String] {
        &board.zh
    }

    fn notation<'a>(&self, played: &'a Move) -> &'a str {
        played.zh.as_deref().unwrap_or(&played.notation)
    }

    fn news(&self, GameNews { title, news, .. }: &GameNews) -> String {
        let game = &title.zh;
        match news {
            News::Invite { from, clock, seat } => {
                let whom = seat.as_ref().map_or_else(String::new, |seat| format!(" [{seat}] "));
                let code = if title.code == title.zh { String::new() } else { format!("（{}）", title.code) };
                let clock = clock.map_or_else(String::new, |clock| clock.to_string());
                format!("[{from}] 邀请{whom}对局：{game}{code}{clock}；应邀请发：D - {from}")
            }
            News::Uninvite { from, why } => {
                let why = match why {
                    Uninvited::Expired => "超时",
                    Uninvited::Withdrawn => "已撤回",
                    Uninvited::Left => "已离开",
                    Uninvited::Busy => "已开始另一局",
                };
                format!("[{from}] 的{game}邀请已结束（{why}）")
            }
            News::Join { from, inviter } => format!("[{from}] 加入了 [{inviter}] 的{game}"),
            News::Result { players, end } => result(players, game, end),
        }
    }

    fn headline(&self, event: &TableEvent) -> String {
        let game = &event.title.zh;
        let about = format!("{game}第 {} 局：", event.game_id);
        let name = |side: Side| event.name(side);
        match &event.deed {
            TableDeed::Begin(_) => {
                let [first, second] = &event.players;
                let id = event.game_id;
                let joined = format!("[{}] 加入了 [{}] 的{game}", second.name, first.name);
                format!("{joined}，第 {id} 局，[{}]（{}）先走", first.name, first.side.zh)
            }
            TableDeed::Move { by } => {
                let played = event.position.last.as_ref().map_or("", |(_, played)| self.notation(played));
                format!("{about}[{}] 走了 {played}{}", name(*by), to_move(event))
            }
            TableDeed::TakeBack { by } => format!("{about}[{}] 悔棋{}", name(*by), to_move(event)),
            TableDeed::Offer { by, offer } => format!("{about}{}", offered(*offer, name(*by))),
            TableDeed::Lost { by, timeout } => format!("{about}[{}] 离开了，须在 {}内回来", name(*by), time(*timeout)),
            TableDeed::Back { by } => format!("{about}[{}] 回来了", name(*by)),
            TableDeed::Pause { timeout } => format!("{about}{}", paused(*timeout)),
            TableDeed::Resume => format!("{about}双方到齐，继续对局{}", to_move(event)),
            TableDeed::Idle { by } => {
                format!("{about}[{}] 很久没有走棋，[{}] 可用 M claim 判胜", name(*by), name(by.other()))
            }
            TableDeed::Over(end) => {
                let players = event.players.each_ref().map(|player| player.name.clone());
                format!("{}\n（双方都发 M rematch 可再来一局）", result(&players, game, end))
            }
            TableDeed::Leave { by } => format!("{about}[{}] 已离席，不再来一局", name(*by)),
            TableDeed::Adjourn { has_failed: true } => {
                format!("{about}服务器在这一局中出错，因此封棋；可试着续下：G - resume {}", event.game_id)
            }
            TableDeed::Adjourn { has_failed: false } => format!("{about}封棋；续下请发：G - resume {}", event.game_id),
            TableDeed::Look(situation) => {
                let Situation { clock, offer, pause, away, end } = &**situation;
                let [first, second] = event.players.each_ref().map(|player| format!("[{}]（{}）", player.name, player.side.zh));
                let ply = event.position.ply;
                let mut line = format!("{about}{first}对 {second}{}，已走 {ply} 步{}", with(clock), to_move(event));
                if let Some(pause) = pause {
                    line += &format!("\n（{}）", paused(*pause));
                }
                if let Some((by, timeout)) = away {
                    line += &format!("\n（[{}] 离开了，须在 {}内回来）", name(*by), time(*timeout));
                }
                if let Some(end) = end {
                    let players = event.players.each_ref().map(|player| player.name.clone());
                    line += &format!("\n{}", result(&players, game, end));
                }
                if let Some((offer, by)) = offer {
                    line += &format!("\n（{}）", offered(*offer, name(*by)));
                }
                line
            }
        }
    }

    fn last(&self, side: &Words, played: &str) -> String {
        format!("上一步：{played}（{}）", side.zh)
    }

    fn turn(&self, side: &Words, example: Option<&str>) -> String {
        match example {
            Some(example) => format!("轮到{}，例如：M {example}", apart(&side.zh)),
            None => format!("轮到{}", apart(&side.zh)),
        }
    }

    fn game_reply(&self, reply: &GameReply) -> String {
        match reply {
            GameReply::Invited { title, clock, seat, .. } => {
                let whom = seat.as_ref().map_or_else(|| "大家".to_owned(), |seat| format!(" {seat} "));
                format!("已邀请{whom}下{}{}；撤回请发：G - -", title.zh, with(clock))
            }
            GameReply::Uninvited => "邀请已撤回".into(),
            GameReply::Seated { title, opponent, side, .. } => {
                let turn = if *side == Side::First { "您先走" } else { "您后走" };
                format!("您与 {opponent} 下{}，{turn}", title.zh)
            }
            GameReply::Moved { .. } | GameReply::Board(_) => String::new(),
            GameReply::Ended => "对局结束".into(),
            GameReply::Offered { offer, is_agreed: false } => {
                let offer = match offer {
                    Offer::Draw => "和棋",
                    Offer::Undo => "悔棋",
                    Offer::Rematch => "再来一局",
                };
                format!("已提议{offer}；对方发同样的命令即为接受")
            }
            GameReply::Offered { .. } => "双方同意".into(),
            GameReply::Games(games) => {
                let next = games.next_page.map(|page| format!("下一页：N {page}"));
                let nothing = || "没有对局；邀请请发：G - gomoku；? G 列出可下的棋".to_owned();
                let is_empty = games.count == 0 && games.adjourned.is_empty();
                next.unwrap_or_else(|| if is_empty { nothing() } else { String::new() })
            }
            GameReply::Watching { .. } => "正在观战；停止请发：O -".into(),
            GameReply::Unwatched => "没有在观战".into(),
            GameReply::Ratings(ratings) if ratings.ratings.is_empty() => "还没有计分的对局".into(),
            GameReply::Ratings(_) | GameReply::Record { .. } => String::new(),
        }
    }

    fn listed(&self, Listed { game_id, title, clock, state }: &Listed) -> String {
        let about = format!("{game_id} {}{}：", title.zh, with(clock));
        match state {
            ListedState::Open { from, seat: None } => format!("{about}[{from}] 邀请；应邀请发：D - {from}"),
            ListedState::Open { from, seat: Some(seat) } => format!("{about}[{from}] 邀请 [{seat}]；应邀请发：D - {from}"),
            ListedState::Playing { players: [first, second], ply, is_paused } => {
                let paused = if *is_paused { "，暂停中" } else { "" };
                format!("{about}[{first}] 对 [{second}]，已走 {ply} 步{paused}；观战请发：O {game_id}")
            }
            ListedState::Adjourned { players: [first, second], ply } => {
                format!("{about}[{first}] 对 [{second}]，已走 {ply} 步，封棋；续下请发：G - resume {game_id}")
            }
        }
    }

    fn rated(&self, rated: &Rated, rank: Option<usize>) -> String {
        let Rated { title, name, rating, deviation, games } = rated;
        let rank = rank.map_or_else(String::new, |rank| format!("第 {rank} "));
        format!("{} {rank}[{name}] {rating:.0}（偏差 {deviation:.0}，{games} 局）", title.zh)
    }

    fn finished(&self, Finished { game_id, title, players, end, .. }: &Finished, day: &str) -> String {
        format!("{game_id} {day} {}", result(players, &title.zh, end))
    }

    fn game_refusal(&self, refusal: &GameRefusal) -> String {
        match refusal {
            GameRefusal::AlreadyInviting => "您已发出邀请；撤回请发：G - -".into(),
            GameRefusal::AlreadyPlaying(opponent) => format!("您正与 {opponent} 对局；M 显示棋盘，M resign 认输"),
            GameRefusal::BadClock => "时限写作 分钟+秒，例如 5+3，各不超过 180；只邀请 bob 写作：@bob".into(),
            GameRefusal::IllegalMove { zh, .. } => zh.to_string(),
            GameRefusal::MembersOnly => "在聊天室里的人才能下棋：登录时请勿用 \"enter\":false".into(),
            GameRefusal::NoGame(NoGame::Playing) => "您不在对局中；N 列出对局，邀请请发：G - gomoku".into(),
            GameRefusal::NoGame(NoGame::Watching(watched)) => {
                format!("您只是观战；O {watched} 再次显示棋盘，O - 停止观战")
            }
            GameRefusal::NoGame(NoGame::Over) => "对局已结束；M rematch 再来一局".into(),
            GameRefusal::NoGame(NoGame::Other(yours)) => format!("您在第 {yours} 局"),
            GameRefusal::NoGame(NoGame::UnderWay) => "没有正在进行的这一局；N 列出全部".into(),
            GameRefusal::NoGame(NoGame::Adjourned) => "您没有这一局封棋；N 列出您的封棋".into(),
            GameRefusal::NoGame(NoGame::Finished) => "没有这个编号的已结束对局".into(),
            GameRefusal::NoInvitation(Some(inviter)) => format!("{inviter} 没有邀请；N 列出邀请"),
            GameRefusal::NoInvitation(None) => "您没有发出邀请；邀请请发：G - gomoku".into(),
            GameRefusal::NoSuchGame(titles) => self.titles(titles),
            GameRefusal::NotNow(NotNow::ClaimEarly(left)) => format!("对方还有时间走棋；{} 后可判胜", time(*left)),
            GameRefusal::NotNow(NotNow::ClaimClock) => "本局有时限，由棋钟判定".into(),
            GameRefusal::NotNow(NotNow::ClaimTurn) => "现在轮到您走".into(),
            GameRefusal::NotNow(NotNow::Abort) => "您已走了两步；M resign 认输，M draw 提议和棋".into(),
            GameRefusal::NotNow(NotNow::Undo) => "您还没有走过".into(),
            GameRefusal::NotNow(NotNow::Rematch) => "对局还没有结束".into(),
            GameRefusal::NotNow(NotNow::Paused) => "对局暂停，等双方到齐；M resign 认输".into(),
            GameRefusal::NotYourTurn(opponent) => format!("轮到 {opponent} 走"),
            GameRefusal::OwnInvitation => "不能与自己下棋；请等别人应邀".into(),
            GameRefusal::Reserved(seat) => format!("这个座位留给 {seat}"),
            GameRefusal::Taken(by) => format!("{by} 先入座了"),
            GameRefusal::WrongPly { next } => format!("下一步是第 {next} 步；走法中间不要有空格"),
        }
    }

    fn titles(&self, titles: &[Words]) -> String {
        let titles: Vec<String> = titles.iter().map(|title| format!("{}（{}）", title.zh, title.code)).collect();
        format!("可下的棋：{}", titles.join("、"))
    }

    fn missed_moves(&self, game_id: GameId) -> String {
        format!("（接收太慢，错过了第 {game_id} 局的一部分；M 显示自己的棋盘，O {game_id} 显示别人的）")
    }
}

/// A word behind Chinese ones, from which ASCII stands apart.
fn apart(word: &str) -> String {
    if word.is_ascii() { format!(" {word}") } else { word.to_owned() }
}

fn with(clock: &Option<TimeControl>) -> String {
    clock.map_or_else(String::new, |clock| format!(" {clock}"))
}

fn time(time: Duration) -> String {
    span(time, "秒", "分钟")
}

fn to_move(event: &TableEvent) -> String {
    event.position.turn.map_or_else(String::new, |turn| format!("，轮到 [{}]", event.name(turn)))
}

fn paused(timeout: Duration) -> String {
    format!("暂停，等双方到齐；{} 后封棋", time(timeout))
}

fn offered(offer: Offer, by: &Name) -> String {
    let what = match offer {
        Offer::Draw => "提议和棋",
        Offer::Undo => "请求悔棋",
        Offer::Rematch => "提议再来一局",
    };
    let declines = if offer == Offer::Rematch { "" } else { "，走棋即为谢绝" };
    format!("[{by}] {what}；接受请发：M {}{declines}", offer.code())
}

fn result(players: &[Name; 2], game: &str, end: &End) -> String {
    let [first, second] = players;
    match end {
        End { winner: Some(winner), reason } => {
            let (winner, loser) = (&players[winner.index()], &players[winner.other().index()]);
            format!("[{winner}] 在{game}中战胜了 [{loser}]（{}）", reason.zh)
        }
        End { winner: None, reason } if reason.code == End::ABORTED.code => {
            format!("[{first}] 与 [{second}] 取消了{game}对局")
        }
        End { winner: None, reason } => format!("[{first}] 与 [{second}] 下{game}，和棋（{}）", reason.zh),
    }
}
