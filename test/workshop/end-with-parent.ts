// Run by Vitest in each of its workers, before the tests: a worker ends with Vitest, also when a test keeps it busy.
import { endWithParentAlways } from '../../scripts/workshop/parent.ts';

const started = globalThis as { [key: symbol]: true | undefined };
const key = Symbol.for('chunk-by-chunk.ends-with-parent');
if (!started[key]) endWithParentAlways();
started[key] = true;
