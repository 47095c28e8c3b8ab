/** A program that shows something on the desktop, with what it is given. Nothing of the text is read as code or markup. */
export interface DesktopCommand {
  readonly program: string;
  readonly args: readonly string[];
}

const MAC_SCRIPT = ["on run argv", "display notification (item 2 of argv) with title (item 1 of argv)", "end run"] as const;

/** The texts come by variables and are put into the toast's XML as text nodes. */
const WINDOWS_SCRIPT = [
  "$m = [Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType = WindowsRuntime]",
  "$x = $m::GetTemplateContent([Windows.UI.Notifications.ToastTemplateType]::ToastText02)",
  "$t = $x.GetElementsByTagName('text')",
  "[void]$t.Item(0).AppendChild($x.CreateTextNode($env:OKSTRA_NOTIFY_TITLE))",
  "[void]$t.Item(1).AppendChild($x.CreateTextNode($env:OKSTRA_NOTIFY_TEXT))",
  "$m::CreateToastNotifier('{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\\WindowsPowerShell\\v1.0\\powershell.exe').Show([Windows.UI.Notifications.ToastNotification]::new($x))",
].join("; ");

/** @param title begins with no `-`; @param body one line */
export function desktopCommand(platform: string, title: string, body: string): DesktopCommand {
  switch (platform) {
    case "darwin":
      return { program: "osascript", args: [...MAC_SCRIPT.flatMap((line) => ["-e", line]), title, body] };
    case "win32":
      return { program: "powershell.exe", args: ["-NoProfile", "-NonInteractive", "-Command", WINDOWS_SCRIPT] };
    default:
      return { program: "notify-send", args: ["--app-name=okstra", "--", title, escapeMarkup(body)] };
  }
}

/** The body, and not the head, may have markup by the desktop's specification. */
function escapeMarkup(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
