import { COMPONENT_QUESTIONS } from './component-questions.js';
import { CONFIGURATION_QUESTIONS, LAST_QUESTIONS } from './configuration-questions.js';
import { CONNECTION_QUESTIONS } from './connection-questions.js';
import { IOT_QUESTIONS } from './iot-questions.js';
import { PUB_SUB_QUESTIONS } from './pub-sub-questions.js';
import { SURROUNDINGS_QUESTIONS } from './surroundings-questions.js';
import type { Questions } from './question.js';

/** All questions in the order in which they are asked; those that fill the nucleus' tables come last. */
export const QUESTIONS: Questions = {
  ...SURROUNDINGS_QUESTIONS,
  ...CONFIGURATION_QUESTIONS,
  ...PUB_SUB_QUESTIONS,
  ...IOT_QUESTIONS,
  ...COMPONENT_QUESTIONS,
  ...CONNECTION_QUESTIONS,
  ...LAST_QUESTIONS,
};
