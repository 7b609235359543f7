// What the system tells of a program and all that it started: whether it rests, where it listens, what it takes. Only
// Linux tells all of this cheaply. Elsewhere, the answer is undefined.
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

const linux = process.platform === 'linux';

type Member = { pid: string; processorTime: number };

/** The processes of a group, as they were when the system had started its last process. */
const known = new Map<number, { last: string; pids: string[] }>();

/** The processes of a group, which has the id of the process that leads it. To look at all of the system takes a while. */
function membersOf(group: number): Member[] {
  const last = read('/proc/loadavg').split(' ').at(-1)!;
  const before = known.get(group);
  const pids = before?.last === last ? before.pids : list('/proc');
  const members = pids.flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    // The name in parentheses may have spaces; then come the state, the parent and the group.
    const fields = read(`/proc/${pid}/stat`).split(') ').at(-1)!.split(' ');
    if (Number(fields[2]) !== group || fields[0] === 'Z') return [];
    // In hundredths of a second: its own, and that of its children which have ended.
    const ticks = fields.slice(11, 15).reduce((sum, time) => sum + Number(time), 0);
    return [{ pid, processorTime: ticks * 10 }];
  });
  if (members.length > 0) known.set(group, { last, pids: members.map(({ pid }) => pid) });
  else known.delete(group);
  return members;
}

/**
 * How often the threads of a group have begun to run, if all of them sleep: when this number stays the same, none of them
 * has done anything meanwhile. Undefined when one of them runs, or would if it could.
 */
export function restOf(group: number): string | undefined {
  const seen: string[] = [];
  for (const { pid } of membersOf(group)) {
    for (const thread of list(`/proc/${pid}/task`)) {
      const status = read(`/proc/${pid}/task/${thread}/status`);
      if (/^State:\s+[RD]/m.test(status)) return undefined;
      seen.push([thread, ...[...status.matchAll(/ctxt_switches:\s+(\d+)/g)].map((match) => match[1])].join(' '));
    }
  }
  return seen.join('\n');
}

/** Milliseconds of processor time that a group has used; undefined where the system does not tell. */
export const processorTimeOf = (group: number): number | undefined =>
  linux ? membersOf(group).reduce((sum, { processorTime }) => sum + processorTime, 0) : undefined;

/** Resident memory of a group in MiB; undefined where the system does not tell. */
export const memoryOf = (group: number): number | undefined =>
  linux
    ? membersOf(group).reduce((sum, { pid }) => sum + Number(read(`/proc/${pid}/statm`).split(' ')[1] ?? 0), 0) / 256
    : undefined;

/** Where a group accepts connections, as `address:port`; undefined where the system does not tell. */
export function addressesOf(group: number): string[] | undefined {
  if (!linux) return undefined;
  const own = new Set(
    membersOf(group).flatMap(({ pid }) =>
      list(`/proc/${pid}/fd`).map((name) => /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${name}`))?.[1]),
    ),
  );
  const rows = ['tcp', 'tcp6'].flatMap((name) => read(`/proc/net/${name}`).split('\n').slice(1));
  const addresses = rows.flatMap((row) => {
    const [, local = '', , state, , , , , , inode] = row.trim().split(/\s+/);
    return state === '0A' && own.has(inode) ? [addressOf(local)] : [];
  });
  return [...new Set(addresses)];
}

/** `0100007F:1F90` is 127.0.0.1:8080: each 32 bits of the address are in the order of this machine. */
function addressOf(text: string): string {
  const [address = '', port = ''] = text.split(':');
  const bytes = address.match(/.{8}/g)!.flatMap((word) =>
    word
      .match(/../g)!
      .reverse()
      .map((byte) => parseInt(byte, 16)),
  );
  const any = bytes.every((byte) => byte === 0);
  if (bytes.length === 4) return `${bytes.join('.')}:${parseInt(port, 16)}`;
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255;
  if (mapped) return `${bytes.slice(12).join('.')}:${parseInt(port, 16)}`;
  return `${any ? '[::]' : bytes.at(-1) === 1 ? '[::1]' : '[an IPv6 address]'}:${parseInt(port, 16)}`;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // it has ended
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return ''; // it has ended
  }
}

function link(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}
