import { stripVTControlCharacters } from 'node:util';

/** A verdict without what differs from run to run: times, limits, ports, process ids, random ids, rows that were cut off by chance, and the order in which two things at once were seen. */
export function normalizeVerdict(verdict: string): string {
  return `${stripVTControlCharacters(verdict)
    .replace(/(^ +(\d+ ms|… (\d+ (rows|more)|run \d+) ).*\n(^ {18}.*\n)*)+/gm, '       (what went over the wire)\n')
    .replace(/(127\.0\.0\.1|\]|localhost):\d{5}/g, '$1:PORT')
    .replace(/\bport \d{5}/g, 'port PORT')
    .replace(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'UUID')
    .replace(/\.\d+\.part\b/g, '.PID.part')
    .replace(/\brow \d+,\d{3}\b/g, 'row N')
    .replace(/\bwithin \d+ ms\b/g, 'within N ms')
    .replace(/\b\d+ ms later/g, 'N ms later')}\n`;
}
