/** Whether commands are typed into PowerShell: on Windows, unless a shell such as Git's Bash says that it is there. */
const inPowerShell = process.platform === 'win32' && !process.env.SHELL && !process.env.MSYSTEM;

/** A command for `sh`, as the learner's own shell takes it: `A=1 curl URL` is `$env:A="1"; curl.exe URL` in PowerShell. */
export function forShell(command: string, powerShell = inPowerShell): string {
  if (!powerShell) return command;
  const [, variables, rest] = /^((?:\w+=(?:"[^"]*"|\S*) )*)(.*)$/s.exec(command)!;
  const set = [...variables!.matchAll(/(\w+)=(?:"([^"]*)"|(\S*)) /g)].map(
    ([, name, quoted, bare]) => `$env:${name}="${quoted ?? bare}"; `,
  );
  return `${set.join('')}${rest!.replace(/^curl /, 'curl.exe ')}`;
}
