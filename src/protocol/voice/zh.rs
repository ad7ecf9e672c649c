//! Chinese.

use std::fmt::Write;

use super::super::closing::Closing;
use super::super::commands::{self, Command};
use super::super::event::{Deed, Missed};
use super::super::limits::{NAME_CHARS, PASSWORD_MAX_BYTES, PASSWORD_MIN_BYTES};
use super::super::name::{Name, NameFault};
use super::super::refusal::Refusal;
use super::super::reply::Welcome;
use super::super::request::RangeEnd;
use super::super::text::TextFault;
use super::prose::{Phrases, list};

/// Chinese words.
pub(super) struct Chinese;

impl Phrases for Chinese {
    fn deed(&self, deed: &Deed, out: &mut String) {
        let _ = match deed {
            Deed::Chat { from, text, .. } => write!(out, "[{from}]：{}", text.as_str()),
            Deed::Announcement { text } => write!(out, "管理员消息：{}", text.as_str()),
            Deed::Enter { from } => write!(out, "[{from}] 进入了聊天室"),
            Deed::Leave { from } => write!(out, "[{from}] 退出了聊天室"),
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
            Refusal::AlreadyIn { say } => instead("您已登录".into(), say.as_deref()),
            Refusal::BadJson(why) => format!("不是合法的请求对象：{why}"),
            Refusal::BadName(NameFault::TooLong) => format!("名字最多 {NAME_CHARS} 个字符"),
            Refusal::BadName(NameFault::BadCharacter) => "名字只能用文字、数字、_ - 和 .，且不能以 - 开头".into(),
            Refusal::BadName(NameFault::Reserved) => "此名字为服务器保留，请另选一个".into(),
            Refusal::BadPassword => {
                format!("密码应为 {PASSWORD_MIN_BYTES} 到 {PASSWORD_MAX_BYTES} 字节；请换一个再发 P")
            }
            Refusal::BadText(TextFault::Escape) => "这里不能用方向键；没有发送任何内容".into(),
            Refusal::BadText(_) => "不允许控制字符或文字方向字符；没有发送任何内容".into(),
            Refusal::BadToken => "令牌无效或已过期；请用 U 和 P 登录".into(),
            Refusal::Busy => "此刻登录的人太多；请过几秒再发一次".into(),
            Refusal::LineTooLong { limit_bytes } => format!("一行或一段文字最多 {limit_bytes} 字节；整行已忽略"),
            Refusal::LoginFirst => "请先登录：U 名字，再发 P 名字 密码".into(),
            Refusal::NameTaken(name) => format!("{name} 刚被别人注册；请用 U 另选一个"),
            Refusal::NoSuchUser(name) => format!("没有 {name} 这个账号；注册请先发 U {name}"),
            Refusal::NotUtf8 => "此行不是 UTF-8；没有发送任何内容".into(),
            Refusal::NotYou { own, say } => instead(format!("您是{own}"), say.as_deref()),
            Refusal::StoreFailed => "服务器此刻无法保存或读取；什么都没有发生，请稍后再试".into(),
            Refusal::Unconfirmed { seq: Some(seq) } => format!("{seq} 大家已收到但尚未保存；请勿重发"),
            Refusal::Unconfirmed { seq: None } => "注册尚未保存；请过一会儿再发 P".into(),
            Refusal::UnknownCommand { say: None, stranger: true } => {
                "进入请发：U 名字，再发 P 名字 密码；? 显示全部命令".into()
            }
            Refusal::UnknownCommand { say: None, .. } => "没有这个命令；? 显示全部命令".into(),
            Refusal::UnknownCommand { say, .. } => instead("? 显示全部命令".into(), say.as_deref()),
            Refusal::Usage { letter, say } => {
                let form = commands::find(*letter).map(Command::form).unwrap_or_default();
                instead(format!("正确的格式：{form}"), say.as_deref())
            }
            Refusal::WrongPassword { tries_left } => format!("还可以试 {tries_left} 次"),
        }
    }

    fn closing(&self, closing: Closing) -> String {
        let why = match closing {
            Closing::Full => "服务器已满，请稍后再来",
            Closing::LoginTimeout => "未及时登录；请重新连接，发 U 名字，再发 P 名字 密码",
            Closing::NotHttp => "这里是聊天室，不是网站；请用 nc 连接",
            Closing::Replaced => "您的账号在别处登录了",
            Closing::ShuttingDown => "服务器关闭，请稍后再来",
            Closing::Stalled => "太久没有接收数据",
            Closing::StoreFailed => "服务器此刻无法保存，请稍后再来",
            Closing::WrongPassword => "密码错误次数过多",
        };
        format!("连接关闭（{}）：{why}", closing.code())
    }

    fn missed(&self, missed: Missed, ask: &str) -> String {
        let Missed { first_seq, last_seq } = missed;
        format!("（接收太慢，错过了 #{first_seq} 到 #{last_seq}；可用此命令查看：{ask}）")
    }
}

fn instead(what: String, say: Option<&str>) -> String {
    match say {
        Some(line) => format!("{what}；要说这句话请发：{line}"),
        None => what,
    }
}
