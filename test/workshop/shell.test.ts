import { expect, test } from 'vitest';
import { forShell } from '../../scripts/workshop/shell.ts';

test.for([
  ['curl -N "http://127.0.0.1:3000/stream?a=1"', 'curl.exe -N "http://127.0.0.1:3000/stream?a=1"'],
  ['WORK_FAILS="step 3" npm run try lesson-5', '$env:WORK_FAILS="step 3"; npm run try lesson-5'],
  ['A=1 B=two node --import tsx x.ts A=3', '$env:A="1"; $env:B="two"; node --import tsx x.ts A=3'],
  ['npm run try lesson-9', 'npm run try lesson-9'],
])('%s in PowerShell', ([command, expected]) => {
  expect(forShell(command!, true)).toBe(expected);
  expect(forShell(command!, false)).toBe(command);
});
