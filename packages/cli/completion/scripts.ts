/**
 * What a shell is told once. Each script hands the words that were typed to `okstra __complete` (complete.ts says what that
 * answers) and never evaluates what comes back. Bash is written for 3.2, which macOS still brings.
 */

const BASH = String.raw`# bash completion of okstra. In ~/.bashrc:  eval "$(okstra completion bash)"
_okstra() {
  local current="\${COMP_WORDS[COMP_CWORD]}" word='' joins='' files='' line='' before='' i
  local -a words
  words=()
  COMPREPLY=()
  # Bash splits --flag=value at the equals sign; okstra is asked about the whole word.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if [ -n "$joins" ]; then
      words[\${#words[@]} - 1]+="$word"
      joins=''
    elif [ "$word" = '=' ] && [ "\${#words[@]}" -gt 0 ] && [[ "\${words[\${#words[@]} - 1]}" == --* ]]; then
      words[\${#words[@]} - 1]+='='
      joins=1
    else
      words[\${#words[@]}]="$word"
    fi
  done
  [ "$current" = '=' ] && current=''
  word="\${words[\${#words[@]} - 1]}"
  before="\${word%"$current"}"
  unset "words[\${#words[@]}-1]"
  while IFS= read -r line; do
    if [ -z "$files" ]; then
      files="$line"
    else
      line="\${line%%$'\t'*}"
      COMPREPLY[\${#COMPREPLY[@]}]="\${line#"$before"}"
    fi
  done < <(command okstra __complete "--partial=$word" -- \${words[@]+"\${words[@]}"} 2>/dev/null)
  [ "\${#COMPREPLY[@]}" -gt 0 ] && return
  # Readline itself knows best how file names are completed and quoted.
  case "$files" in
    files) compopt -o default 2>/dev/null || while IFS= read -r line; do COMPREPLY[\${#COMPREPLY[@]}]="$line"; done < <(compgen -f -- "$current") ;;
    directories) compopt -o dirnames 2>/dev/null || while IFS= read -r line; do COMPREPLY[\${#COMPREPLY[@]}]="$line"; done < <(compgen -d -- "$current") ;;
  esac
}
complete -F _okstra okstra
`;

const ZSH = String.raw`#compdef okstra
# zsh completion of okstra. In ~/.zshrc, after compinit:  eval "$(okstra completion zsh)"
# or, as a file named _okstra in a directory of $fpath:  okstra completion zsh > ~/.zfunc/_okstra
_okstra() {
  local line files='' value brief
  local -a typed candidates
  typed=("\${(@Q)words[2,CURRENT]}")
  while IFS= read -r line; do
    if [[ -z $files ]]; then
      files=$line
    else
      value=\${line%%$'\t'*}
      brief=\${line#*$'\t'}
      candidates+=("\${value//:/\\:}:$brief")
    fi
  done < <(command okstra __complete "--partial=\${typed[-1]}" -- "\${(@)typed[1,-2]}" 2>/dev/null)
  (( \${#candidates} )) && _describe -t okstra okstra candidates
  case $files in
    files) compset -P '--*='; _files ;;
    directories) compset -P '--*='; _files -/ ;;
  esac
}
if [[ \${funcstack[1]-} == _okstra ]]; then
  _okstra "$@"
else
  compdef _okstra okstra
fi
`;

const FISH = String.raw`# fish completion of okstra:  okstra completion fish > ~/.config/fish/completions/okstra.fish
function __okstra_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l current (commandline -ct)
    set -l lines (command okstra __complete "--partial=$current" -- $words 2>/dev/null)
    set -l files $lines[1]
    set -e lines[1]
    # Whatever is on a line is one candidate, with what it is after a tab.
    test (count $lines) -gt 0; and printf '%s\n' $lines
    set -l value (string replace -r -- '^--[^=]*=' '' "$current")
    set -l before (string sub -l (math (string length -- "$current") - (string length -- "$value")) -- "$current")
    switch "$files"
        case files
            printf '%s\n' $before(__fish_complete_path "$value" | string replace -r '\t.*$' '')
        case directories
            printf '%s\n' $before(__fish_complete_directories "$value" '' | string replace -r '\t.*$' '')
    end
end
complete -c okstra -f -a '(__okstra_complete)'
`;

const POWERSHELL = String.raw`# PowerShell completion of okstra. In $PROFILE:  okstra completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName okstra -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $partial = "$wordToComplete".TrimStart([char]39, [char]34)
    $words = @(
        $commandAst.CommandElements |
            Select-Object -Skip 1 |
            Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
            ForEach-Object { if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text } }
    )
    $okstra = Get-Command okstra -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    if (-not $okstra) { return }
    $lines = @(& $okstra __complete "--partial=$partial" '--' @words 2>$null)
    # When nothing is returned, PowerShell completes file names itself.
    foreach ($line in ($lines | Select-Object -Skip 1)) {
        $value, $brief = $line -split [char]9, 2
        # A comma would make two words of one.
        $text = if ($value.Contains(',')) { "'" + $value + "'" } else { $value }
        if (-not $brief) { $brief = $value }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $brief)
    }
}
`;

/** In the templates above `\\$` is a dollar of the shell's own. */
const plain = (script: string): string => script.replaceAll("\\$", "$");

export const COMPLETION_SCRIPTS = { bash: plain(BASH), zsh: plain(ZSH), fish: plain(FISH), powershell: plain(POWERSHELL) } as const;
