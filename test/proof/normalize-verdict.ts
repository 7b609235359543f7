import { stripVTControlCharacters } from 'node:util';

/** A verdict without what differs from run to run: times, ports, and the order in which two things at once were seen. */
export function normalizeVerdict(verdict: string): string {
  return `${stripVTControlCharacters(verdict)
    .replace(/(^ +(\d+ ms|… (\d+ (rows|more)|run \d+) ).*\n(^ {18}.*\n)*)+/gm, '       (what went over the wire)\n')
    .replace(/(127\.0\.0\.1|\]|localhost):\d{5}/g, '$1:PORT')
    .replace(/\bport \d{5}/g, 'port PORT')
    .replace(/\b\d+ ms later/g, 'N ms later')}\n`;
}
