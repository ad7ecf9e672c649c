//! Chinese.

mod games;

use std::fmt::Write;

use super::super::closing::Closing;
use super::super::commands::{self, Command, Detail};
use super::super::event::{Deed, Missed};
use super::super::file_name::{FileNameFault, FileNameWrong};
use super::super::limits::{FILE_NAME_BYTES, FILES_AN_ACCOUNT};
use super::super::limits::{MARKS_IN_A_RUN, NAME_CHARS, PASSWORD_MAX_BYTES, PASSWORD_MIN_BYTES};
use super::super::name::{Name, NameFault};
use super::super::refusal::{Banned, FileExists, Instead, Quota, Refusal, SizeMismatch, Unconfirmed};
use super::super::reply::{Found, Offered, Welcome};
use super::super::request::RangeEnd;
use super::super::text::TextFault;
use super::prose::games::GamePhrases;
use super::prose::{Phrases, list, size, zoned_time};

/// Chinese words.
pub(super) struct Chinese;

impl Phrases for Chinese {
    fn deed(&self, deed: &Deed, out: &mut String) {
        let _ = match deed {
            Deed::Chat { from, text, .. } => write!(out, "[{from}]：{}", text.as_str()),
            Deed::Announcement { text } => write!(out, "管理员消息：{}", text.as_str()),
            Deed::Enter { from } => write!(out, "[{from}] 进入了聊天室"),
            Deed::Leave { from } => write!(out, "[{from}] 退出了聊天室"),
            Deed::File { from, file } => {
                let (name, size) = (&file.name, size(file.size_bytes));
                write!(out, "[{from}] 共享了 {name}（{size}）；取文件请发：L - {name}")
            }
            Deed::Withdrawn { from: Some(from), file_name, .. } => write!(out, "[{from}] 撤下了 {file_name}"),
            Deed::Withdrawn { from: None, file_name, .. } => write!(out, "{file_name} 已过期移除"),
            Deed::Game(news) => write!(out, "{}", self.news(news)),
            Deed::Started => write!(out, "服务器已启动。"),
            Deed::Stopping => write!(out, "服务器即将关闭。"),
        };
    }

    fn known(&self, name: &Name) -> String {
        format!("登录请发：P {name} 密码")
    }

    fn unknown(&self, name: &Name) -> String {
        format!("此名字尚未注册；注册请发：P {name} 新密码")
    }

    fn welcome(&self, welcome: &Welcome) -> String {
        let mut words = format!("在场：{}", list(&welcome.names, "、"));
        let more = welcome.count.saturating_sub(welcome.names.len());
        if more > 0 {
            let _ = write!(words, " 等，另有 {more} 人（W 列出全部）");
        }
        if welcome.names.is_empty() {
            words = "无人在场".into();
        }
        words + "；说话：C - 你好"
    }

    fn further(&self, from: RangeEnd, ask: &str) -> String {
        match from {
            RangeEnd::Newest => format!("更早的：{ask}"),
            RangeEnd::Oldest => format!("更晚的：{ask}"),
        }
    }

    fn next_page(&self, ask: &str) -> String {
        format!("下一页：{ask}")
    }

    fn offered(&self, offered: &Offered, limit: &str) -> String {
        let Offered { offset_bytes, ticket_timeout_s, .. } = offered;
        let kept = match offset_bytes {
            0 => String::new(),
            &count => format!("；其中 {} 已在这里", size(count)),
        };
        format!("请在 {ticket_timeout_s} 秒内于文件所在处运行上面一行；最大 {limit}{kept}")
    }

    fn found(&self, found: &Found, size: &str) -> String {
        let Found { file, ticket_timeout_s, .. } = found;
        format!("{size}；请在 {ticket_timeout_s} 秒内运行上面一行，文件将存为当前目录的 {}", file.name)
    }

    fn withdrawn(&self) -> &'static str {
        "已不再共享"
    }

    fn dropped(&self) -> &'static str {
        "已放弃这次上传"
    }

    fn nothing_shared(&self) -> &'static str {
        "还没有共享文件；共享请发：F - 文件名"
    }

    fn detail(&self, detail: &Detail) -> &'static str {
        match detail {
            Detail::Words { zh, .. } => zh,
            Detail::Line(line) => line,
        }
    }

    fn received(&self) -> &'static str {
        "聊天室已收到"
    }

    fn speaking(&self) -> &'static str {
        "现在使用中文"
    }

    fn about(&self, version: &str, voices: &str) -> String {
        format!("parlor {version}，可用语言：{voices}")
    }

    fn help(&self, command: &Command) -> &'static str {
        command.zh
    }

    fn bye(&self) -> &'static str {
        "再见"
    }

    fn refusal(&self, refusal: &Refusal) -> String {
        match refusal {
            Refusal::AlreadyIn { instead } => or("您已登录".into(), instead.as_ref()),
            Refusal::BadFileName { letter, fault } => bad_file_name(*letter, fault),
            Refusal::BadJson(why) => format!("不是合法的请求对象：{why}"),
            Refusal::BadName(NameFault::TooLong) => format!("名字最多 {NAME_CHARS} 个字符"),
            Refusal::BadName(NameFault::BadCharacter) => "名字只能用同一书写方向的文字、数字、_ - 和 .，且不能以 - 开头".into(),
            Refusal::BadName(NameFault::Marks) => format!("名字中一个字符上最多有 {MARKS_IN_A_RUN} 个组合符号"),
            Refusal::BadName(NameFault::Reserved) => "此名字为服务器保留，请另选一个".into(),
            Refusal::BadPassword => {
                format!("密码应为 {PASSWORD_MIN_BYTES} 到 {PASSWORD_MAX_BYTES} 字节；请换一个再发 P")
            }
            Refusal::BadText(TextFault::Escape) => "这里不能用方向键；没有发送任何内容".into(),
            Refusal::BadText(TextFault::Marks) => {
                format!("一个字符上最多有 {MARKS_IN_A_RUN} 个组合符号；没有发送任何内容")
            }
            Refusal::BadText(_) => "不允许控制字符、文字方向字符或行分隔符；没有发送任何内容".into(),
            Refusal::BadTicket => "此凭证无效、已用过、已过期或方向不对；请用 F 或 L 再取一个".into(),
            Refusal::BadToken => "令牌无效或已过期；请用 U 和 P 登录".into(),
            Refusal::Banned(ban) => banned(ban),
            Refusal::Busy => "此刻登录的人太多；请过几秒再发一次".into(),
            Refusal::BusyTransfers => "正在传送的文件太多；请过几秒再运行同一命令".into(),
            Refusal::DiskFull => "服务器磁盘空间不足，暂不能收文件；请稍后再用 F，已收到的部分会保留".into(),
            Refusal::FileExists(exists) => file_exists(exists),
            Refusal::Failed => "服务器在处理此请求时出错；所涉及的对局或文件已中断，其他一切照常".into(),
            Refusal::FileFailed => "服务器磁盘读写此文件失败；请稍后再用 F 或 L".into(),
            Refusal::ForShell => "这一行要在 shell 里运行：请另开一个终端，到文件所在目录粘贴".into(),
            Refusal::Game(refusal) => self.game_refusal(refusal),
            Refusal::HashMismatch => "内容与校验和不符（文件在读取时或途中改变了）；已丢弃，请用 F 重新开始".into(),
            Refusal::HashNeeded => "没有收到 sha256：文件在您运行命令的目录里吗？请到文件所在目录再运行一次".into(),
            Refusal::LineTooLong { limit_bytes } => format!("一行或一段文字最多 {limit_bytes} 字节；整行已忽略"),
            Refusal::LoginFirst => "请先登录：U 名字，再发 P 名字 密码".into(),
            Refusal::LookAlike(name) => format!("此名字与已注册的 {name} 太像；请用 U 另选一个"),
            Refusal::NameTaken(name) => format!("{name} 刚被别人注册；请用 U 另选一个"),
            Refusal::NoSuchFile(name) => format!("没有共享名为 {name} 的文件；S 列出全部"),
            Refusal::NoSuchAccount(name) => format!("没有 {name} 这个账号；W 列出在场的人"),
            Refusal::NoSuchUser(name) => format!("没有 {name} 这个账号；注册请先发 U {name}"),
            Refusal::NotFirst { instead } => or("T 必须是新连接的第一行".into(), instead.as_ref()),
            Refusal::NotUtf8 => "此行不是 UTF-8；没有发送任何内容".into(),
            Refusal::NotYou { own, instead } => or(format!("您是 {own}"), instead.as_ref()),
            Refusal::NotYours(owner) => format!("这是 {owner} 的文件，只有 {owner} 或管理员能撤下"),
            Refusal::Quota(Quota::Account) => "您的文件已占满账号的空间；X 可撤下一个".into(),
            Refusal::Quota(Quota::Files) => format!("您已共享 {FILES_AN_ACCOUNT} 个文件；X 可撤下一个"),
            Refusal::Quota(Quota::Room) => "聊天室的文件空间已满；需有人撤下文件".into(),
            Refusal::SizeMismatch(mismatch) => size_mismatch(*mismatch),
            Refusal::SlowDown { retry_ms } => {
                format!("一下子太多了；什么都没有发生，请过 {} 秒再发这一行", retry_ms.div_ceil(1000))
            }
            Refusal::StoreFailed => "服务器此刻无法保存或读取；什么都没有发生，请稍后再试".into(),
            Refusal::TooLarge { limit_bytes } => format!("最多可发 {limit_bytes} 字节（{}）", size(*limit_bytes)),
            Refusal::TooSlow => "传送太慢；已收到的会保留，请用 F 续传".into(),
            Refusal::Unconfirmed(Unconfirmed::Event(seq)) => format!("{seq} 大家已收到但尚未保存；请勿重发"),
            Refusal::Unconfirmed(Unconfirmed::Move) => "对方已看到这一步，但尚未保存；M 显示棋盘".into(),
            Refusal::Unconfirmed(Unconfirmed::Registration) => "注册尚未保存；请过一会儿再发 P".into(),
            Refusal::UnknownCommand { instead: None, stranger: true } => {
                "进入请发：U 名字，再发 P 名字 密码；? 显示全部命令".into()
            }
            Refusal::UnknownCommand { instead: None, .. } => "没有这个命令；? 显示全部命令".into(),
            Refusal::UnknownCommand { instead, .. } => or("? 显示全部命令".into(), instead.as_ref()),
            Refusal::Usage { letter, instead } => {
                let form = commands::find(*letter).map(Command::form).unwrap_or_default();
                or(format!("正确的格式：{form}"), instead.as_ref())
            }
            Refusal::WrongPassword { tries_left } => format!("还可以试 {tries_left} 次"),
        }
    }

    fn closing(&self, closing: Closing) -> String {
        let why = match closing {
            Closing::Banned => "管理员不让您进入",
            Closing::Full => "服务器已满，请稍后再来",
            Closing::Kicked => "管理员结束了您的连接；您可以重新登录",
            Closing::LoginTimeout => "未及时登录；请重新连接，发 U 名字，再发 P 名字 密码",
            Closing::NeedsTls => "此端口使用 TLS；请用 ncat --ssl 主机 端口 连接",
            Closing::NotHttp => "这里是聊天室，不是网站；请用 nc 连接",
            Closing::NotTls => "此端口不用 TLS；请不加密连接",
            Closing::PasswordChanged => "您的账号有了新密码；请用新密码登录",
            Closing::Replaced => "您的账号在别处登录了",
            Closing::ShuttingDown => "服务器关闭，请稍后再来",
            Closing::Stalled => "太久没有接收数据",
            Closing::StoreFailed => "服务器此刻无法保存，请稍后再来",
            Closing::TooMany => "您的地址连接数已满，请稍后再来",
            Closing::WrongPassword => "密码错误次数过多",
        };
        format!("连接关闭（{}）：{why}", closing.code())
    }

    fn missed(&self, missed: Missed, ask: &str) -> String {
        let Missed { first_seq, last_seq } = missed;
        format!("（接收太慢，错过了 #{first_seq} 到 #{last_seq}；可用此命令查看：{ask}）")
    }
}

fn or(what: String, instead: Option<&Instead>) -> String {
    match instead {
        Some(Instead::Say(line)) => format!("{what}；要说这句话请发：{line}"),
        Some(Instead::Ask(line)) => format!("{what}；可以试：{line}"),
        Some(Instead::SayOrMove(words)) => format!("{what}；要说这句话请发：C - {words}；要走这步棋请发：M {words}"),
        None => what,
    }
}

fn banned(ban: &Banned) -> String {
    let until = ban.until_ms.map_or_else(|| "您不能进入".into(), |at_ms| format!("请在 {} 之后再来", zoned_time(at_ms)));
    if ban.why.is_empty() { until } else { format!("{until}；管理员说：{}", ban.why) }
}

fn bad_file_name(letter: char, fault: &FileNameFault) -> String {
    let why = match fault.wrong {
        FileNameWrong::Path => "文件名不要带目录".into(),
        FileNameWrong::Hidden => "文件名不能以点开头".into(),
        FileNameWrong::TooLong => format!("文件名最多 {FILE_NAME_BYTES} 字节"),
        FileNameWrong::Marks => format!("文件名中一个字符上最多有 {MARKS_IN_A_RUN} 个组合符号"),
        FileNameWrong::BadCharacter => "文件名不能含有看不见的字符".into(),
    };
    or(why, fault.instead.as_ref().map(|name| Instead::Ask(format!("{letter} - {name}"))).as_ref())
}

fn file_exists(exists: &FileExists) -> String {
    match exists {
        FileExists::Uploading { is_own: true, .. } => "您正在上传此文件；若已中断，请过半分钟再发 F 续传".into(),
        FileExists::Uploading { by, free_name, .. } => format!("{by} 正在上传此文件；可换名：F - {free_name}"),
        FileExists::Shared { file_name, is_own: true, free_name, .. } => {
            format!("您已共享 {file_name}；可撤下：X - {file_name}，或换名：F - {free_name}")
        }
        FileExists::Shared { file_name, by, free_name, .. } => format!("{by} 已共享 {file_name}；可换名：F - {free_name}"),
    }
}

fn size_mismatch(mismatch: SizeMismatch) -> String {
    match mismatch {
        SizeMismatch::OtherFile => "之前收到的部分属于另一大小的文件，已丢弃；请用 F 重新开始".into(),
        SizeMismatch::TooFew { received_bytes, size_bytes } => {
            format!("共 {size_bytes} 字节，收到 {received_bytes} 字节并已保留；请用 F 续传")
        }
        SizeMismatch::TooMany => "收到的字节多于所报大小；已丢弃，请用 F 重新开始".into(),
        SizeMismatch::PastEnd { size_bytes } => format!("文件共 {size_bytes} 字节"),
    }
}
