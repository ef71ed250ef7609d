import { writeFile } from 'node:fs/promises';
import type { Json } from '../../../src/core/mod.js';
import { OFFLINE_QUESTIONS } from './iot-questions.js';
import { Probe } from './probe.js';
import { QUESTIONS } from './questions.js';
import { PROVIDER_DOWN_QUESTIONS } from './surroundings-questions.js';

/** A component that asks its nucleus and writes the answers into its work folder. */
const [batch = 'all', component = 'kit.Probe'] = process.argv.slice(2);
const batches = { all: QUESTIONS, down: { ...OFFLINE_QUESTIONS, ...PROVIDER_DOWN_QUESTIONS } };
const probe = new Probe(component, process.env);
const answers: Record<string, Json> = {};
for (const [question, ask] of Object.entries(batch === 'down' ? batches.down : batches.all)) {
  try {
    answers[question] = await ask(probe);
  } catch (thrown) {
    answers[question] = { threw: thrown instanceof Error ? thrown.message : null };
  }
  await probe.close();
  await writeFile('answers.json', JSON.stringify(answers, undefined, 2));
}
console.log('All questions are answered');
process.exit(0);
