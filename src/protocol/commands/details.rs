//! What help on one letter shows below its line.

use super::Detail;

const fn words(en: &'static str, zh: &'static str) -> Detail {
    Detail::Words { en, zh }
}

const ON_WINDOWS: Detail = words(
    "on Windows, in PowerShell, with the file's name and HOST, PORT, TICKET, OFFSET of the reply put in:",
    "Windows 上请在 PowerShell 中运行，并换成答复中的文件名、HOST、PORT、TICKET、OFFSET：",
);

const TLS_ON_WINDOWS: Detail =
    words("over TLS, also this behind the first of these lines:", "若使用 TLS，请在其中第一行之后再运行：");
const TLS_STREAM: Detail = Detail::Line("$s = [Net.Security.SslStream]::new($s); $s.AuthenticateAsClient('HOST')");

/// For PowerShell, which cannot run the command of the reply.
pub(super) const UPLOAD_ON_WINDOWS: &[Detail] = &[
    ON_WINDOWS,
    Detail::Line("$f = Get-Item -LiteralPath 'report.pdf'; $s = [Net.Sockets.TcpClient]::new('HOST', PORT).GetStream()"),
    Detail::Line("$t = \"T TICKET $($f.Length) $((Get-FileHash -LiteralPath $f.FullName).Hash)`n\""),
    Detail::Line("$s.Write([Text.Encoding]::ASCII.GetBytes($t), 0, $t.Length)"),
    Detail::Line("$i = $f.OpenRead(); $i.Position = OFFSET; $i.CopyTo($s); $i.Close()"),
    Detail::Line("[IO.StreamReader]::new($s).ReadToEnd()"),
    TLS_ON_WINDOWS,
    TLS_STREAM,
];
pub(super) const DOWNLOAD_ON_WINDOWS: &[Detail] = &[
    ON_WINDOWS,
    Detail::Line("$s = [Net.Sockets.TcpClient]::new('HOST', PORT).GetStream(); $t = \"T TICKET`n\""),
    Detail::Line("$s.Write([Text.Encoding]::ASCII.GetBytes($t), 0, $t.Length)"),
    Detail::Line("$o = [IO.File]::Create(\"$PWD\\report.pdf\"); $s.CopyTo($o); $o.Close()"),
    TLS_ON_WINDOWS,
    TLS_STREAM,
];

/// Below `? G`; the games' names follow.
pub(super) const INVITING: &[Detail] = &[
    words("gomoku, for everyone:", "五子棋，邀请所有人："),
    Detail::Line("G - gomoku"),
    words(
        "chess with a clock of 5 minutes and 3 seconds a move, for bob alone:",
        "国际象棋，每方 5 分钟、每步加 3 秒，只邀请 bob：",
    ),
    Detail::Line("G - chess 5+3 @bob"),
    words(
        "withdraw the invitation; go on with adjourned game 7 (N lists yours):",
        "撤回邀请；续下第 7 局封棋（N 列出您的封棋）：",
    ),
    Detail::Line("G - -    G - resume 7"),
];

/// Below `? M`.
pub(super) const MOVING: &[Detail] = &[
    words("a point, a column, or a piece's move:", "落子、列号或走子（象棋也可写 M 炮二平五）："),
    Detail::Line("M h8 (gomoku)    M 4 (connect-four)    M Nf3 (chess)    M h2e2 (xiangqi)"),
    words("give up:", "认输："),
    Detail::Line("M resign"),
    words(
        "offer or accept a draw, a take-back, another game; a move declines:",
        "提议或接受和棋、悔棋、再来一局；走棋即为谢绝：",
    ),
    Detail::Line("M draw    M undo    M rematch"),
    words(
        "call off a game that has hardly begun; win against who does not move:",
        "取消刚开始的对局；对方久不走棋时判己方胜：",
    ),
    Detail::Line("M abort    M claim"),
];
