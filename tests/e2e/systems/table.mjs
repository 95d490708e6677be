// The table of requirements from the TAP file of a run: `node table.mjs systems.tap`. A requirement passes if it has a
// test, all its tests passed and none of them was left out; one that is left out says what it waits for (`later:`).
// Ends with an error if anything failed or has no test at all.
import { readFileSync } from 'node:fs';

import { requirements } from './requirements.mjs';

const result = /^\s*(not ok|ok) \d+ - ([AEWNO]\d+):? (.*?)(?: # SKIP (.*))?$/;

function read(tap) {
  const found = new Map();
  for (const line of tap.split('\n')) {
    const match = result.exec(line);
    if (!match) continue;
    const [, status, id, , skipped] = match;
    const entry = found.get(id) ?? { failed: 0, passed: 0, later: [] };
    if (skipped !== undefined) entry.later.push(skipped.replace(/^later: /, ''));
    else if (status === 'ok') entry.passed += 1;
    else entry.failed += 1;
    found.set(id, entry);
  }
  return found;
}

function verdict(entry) {
  if (!entry) return ['FAIL', 'has no test'];
  if (entry.failed > 0) return ['FAIL', ''];
  if (entry.passed === 0) return ['later', entry.later.join('; ')];
  return ['pass', entry.later.length > 0 ? `later: ${entry.later.join('; ')}` : ''];
}

const found = read(readFileSync(process.argv[2], 'utf8'));
const counts = { pass: 0, later: 0, FAIL: 0 };
for (const [system, list] of Object.entries(requirements)) {
  console.log(`\n${system}`);
  for (const [id, text] of Object.entries(list)) {
    const [status, note] = verdict(found.get(id));
    counts[status] += 1;
    const label = status === 'later' ? 'later:' : status;
    console.log(`  ${id.padEnd(4)} ${label.padEnd(6)} ${status === 'later' ? `${note} — ${text}` : text + (note ? ` (${note})` : '')}`);
  }
}
const total = counts.pass + counts.later + counts.FAIL;
console.log(`\n${total} requirements: ${counts.pass} pass, ${counts.later} later, ${counts.FAIL} fail`);
process.exitCode = counts.FAIL > 0 ? 1 : 0;
