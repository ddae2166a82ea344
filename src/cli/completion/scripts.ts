import type { CommandShape, OptionShape, Values } from './describe.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** Text as one word of the shell, in single quotes; fish escapes inside them, the others cannot. */
const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
const fishQuote = (text: string) => `'${text.replaceAll(/['\\]/g, '\\$&')}'`;

const pathOf = (command: CommandShape) => command.path.join(' ');

/** Words that lead to a command below the program itself, as one text each. */
function steps(commands: readonly CommandShape[]): string[] {
  return commands.filter((command) => command.path.length > 0).map(pathOf);
}

function bashReply(values: Values): string {
  switch (values.kind) {
    case 'words':
      return `_npu_bench_reply -W ${quote(values.words.join(' '))}`;
    case 'files':
      return 'compopt -o filenames; _npu_bench_reply -f';
    case 'folders':
      return 'compopt -o filenames; _npu_bench_reply -d';
    case 'none':
      return ':';
  }
}

function bashCase(command: CommandShape): string {
  const path = pathOf(command);
  const values = command.options.flatMap(({ names, value }) =>
    value === undefined
      ? []
      : [
          `    ${names.map((name) => quote(`${path}:${name}`)).join('|')}) ${bashReply(value)}; return;;`,
        ],
  );
  return values.join('\n');
}

function bashWords(command: CommandShape): string {
  const options = command.options.flatMap(({ names }) => names);
  const operands: Values =
    command.children.length > 0
      ? { kind: 'words', words: command.children.map(({ name }) => name) }
      : command.operands;
  return `    ${quote(pathOf(command))})
      if [[ $cur == -* ]]; then ${bashReply({ kind: 'words', words: options })}
      else ${bashReply(operands)}; fi;;`;
}

export function bashScript(commands: readonly CommandShape[]): string {
  return `# bash completion for npu-bench
_npu_bench_reply() {
  mapfile -t COMPREPLY < <(compgen "$@" -- "$cur")
}

_npu_bench() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path='' i
  COMPREPLY=()
  # "--device=c" arrives as three words.
  if [[ $cur == '=' ]]; then cur=''
  elif [[ $prev == '=' ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${path:+$path }\${COMP_WORDS[i]}" in
      ${steps(commands).map(quote).join('|')}) path="\${path:+$path }\${COMP_WORDS[i]}";;
    esac
  done
  case "$path:$prev" in
${commands.map(bashCase).filter(Boolean).join('\n')}
  esac
  case "$path" in
${commands.map(bashWords).join('\n')}
  esac
}
complete -F _npu_bench npu-bench
`;
}

function zshAction(values: Values): string {
  switch (values.kind) {
    case 'words':
      return `(${values.words.join(' ')})`;
    case 'files':
      return '_files';
    case 'folders':
      return '_files -/';
    case 'none':
      return ' ';
  }
}

/** Brackets and colons mean something in the specifications of _arguments. */
const zshText = (text: string) => text.replaceAll(/[[\]:\\]/g, '\\$&');

function zshOption({ names, text, value }: OptionShape): string {
  const action = value === undefined ? '' : `:value:${zshAction(value)}`;
  // The star allows repetition: commander takes the last one, or collects.
  return names.map((name) => quote(`*${name}[${zshText(text)}]${action}`)).join(' ');
}

const zshName = (path: readonly string[]) => ['_npu_bench', ...path].join('_').replaceAll('-', '_');

function zshFunction(command: CommandShape): string {
  const options = command.options.map((option) => `    ${zshOption(option)} \\`).join('\n');
  const name = zshName(command.path);
  if (command.children.length === 0) {
    const operands =
      command.operands.kind === 'none' ? '' : quote(`*:argument:${zshAction(command.operands)}`);
    return `${name}() {\n  _arguments \\\n${options}\n    ${operands}\n}`;
  }
  const children = command.children
    .map((child) => `    ${quote(`${child.name}:${child.text.replaceAll(':', '\\:')}`)}`)
    .join('\n');
  const calls = command.children
    .map((child) => `      ${child.name}) ${zshName([...command.path, child.name])};;`)
    .join('\n');
  return `${name}() {
  local context state state_descr line
  typeset -A opt_args
  local -a commands=(
${children}
  )
  _arguments -C \\
${options}
    '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands;;
    argument)
      case $line[1] in
${calls}
      esac;;
  esac
}`;
}

export function zshScript(commands: readonly CommandShape[]): string {
  return `#compdef npu-bench
# zsh completion for npu-bench
${commands.map(zshFunction).join('\n\n')}

if [[ $funcstack[1] == _npu-bench ]]; then
  _npu_bench "$@"
else
  compdef _npu_bench npu-bench
fi
`;
}

function fishValue(value: Values | undefined): string {
  switch (value?.kind) {
    case undefined:
      return '';
    case 'words':
      return ` -x -a ${fishQuote(value.words.join(' '))}`;
    case 'files':
      return ' -r -F';
    case 'folders':
      return " -x -a '(__fish_complete_directories)'";
    case 'none':
      return ' -x';
  }
}

function fishOperands(operands: Values): string[] {
  if (operands.kind === 'words') return [`-a ${fishQuote(operands.words.join(' '))}`];
  return operands.kind === 'files' ? ['-F'] : [];
}

function fishCommand(command: CommandShape): string[] {
  const at = `complete -c npu-bench -n ${fishQuote(`__npu_bench_at ${pathOf(command)}`.trim())}`;
  const children = command.children.map(
    ({ name, text }) => `${at} -a ${name} -d ${fishQuote(text)}`,
  );
  const options = command.options.map(({ names, text, value }) => {
    const flags = names.map((name) =>
      name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
    );
    return `${at} ${flags.join(' ')}${fishValue(value)} -d ${fishQuote(text)}`;
  });
  const operands = fishOperands(command.operands);
  return [...children, ...options, ...operands.map((text) => `${at} ${text}`)];
}

export function fishScript(commands: readonly CommandShape[]): string {
  return `# fish completion for npu-bench
function __npu_bench_path
    set -l path
    for word in (commandline -opc)[2..-1]
        switch (string join ' ' -- $path $word)
            case ${steps(commands).map(fishQuote).join(' ')}
                set -a path $word
        end
    end
    string join ' ' -- $path
end

function __npu_bench_at
    set -l here (__npu_bench_path)
    test "$here" = "$argv"
end

complete -c npu-bench -f
${commands.flatMap(fishCommand).join('\n')}
`;
}
