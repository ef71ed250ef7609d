/** All topics stand below this prefix; a new incompatible wire gets a new number. */
export const TOPIC_PREFIX = 'edgemanager/v1';

export const topics = {
  hello: `${TOPIC_PREFIX}/control/hello`,
  list: `${TOPIC_PREFIX}/control/list`,
  describe: `${TOPIC_PREFIX}/control/describe`,
  stats: `${TOPIC_PREFIX}/control/stats`,
  load: `${TOPIC_PREFIX}/control/load`,
  unload: `${TOPIC_PREFIX}/control/unload`,
  captureSubmit: `${TOPIC_PREFIX}/capture/submit`,
  captureStatus: `${TOPIC_PREFIX}/capture/status`,
  register: `${TOPIC_PREFIX}/packages/register`,
  modelEvents: `${TOPIC_PREFIX}/events/models`,
  captureEvents: `${TOPIC_PREFIX}/events/capture`,
  spoolClosed: `${TOPIC_PREFIX}/spool/closed`,
  spoolResult: `${TOPIC_PREFIX}/spool/result`,
} as const;

/** Edge Manager's rule for model names (1.3 of its facts), at most {@link MODEL_NAME_MAX_CHARS} characters. */
export const MODEL_NAME_PATTERN = '^[a-zA-Z0-9](-*[a-zA-Z0-9])*$';
export const MODEL_NAME_MAX_CHARS = 63;

/** A name for a version of a model, such as `stable`, `previous`, or one that a package asks for. */
export const LABEL_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._-]*$';
export const LABEL_MAX_CHARS = 64;

/** The data plane: one topic per model, so that one privilege covers one model. */
export function predictTopic(model: string): string {
  return `${TOPIC_PREFIX}/models/${model}/predict`;
}

/** The agent subscribes to all models' predict topics with this filter. */
export const PREDICT_FILTER = `${TOPIC_PREFIX}/models/+/predict`;

/** The model that a predict topic addresses, or undefined for any other topic. */
export function modelOfPredictTopic(topic: string): string | undefined {
  const match = /^edgemanager\/v1\/models\/([^/]+)\/predict$/.exec(topic);
  return match?.[1];
}

/**
 * A caller's reply topic. The nonce (128 bits, hex) keeps other components from guessing it; the component
 * name lets a policy allow `edgemanager/v1/reply/<component>/*` only.
 */
export function replyTopic(component: string, nonce: string): string {
  return `${TOPIC_PREFIX}/reply/${component}/${nonce}`;
}

/** The component and nonce of a well-formed reply topic, or undefined. */
export function parseReplyTopic(topic: string): { component: string; nonce: string } | undefined {
  const match = /^edgemanager\/v1\/reply\/([A-Za-z0-9._-]{1,128})\/([0-9a-f]{32})$/.exec(topic);
  return match === null ? undefined : { component: match[1] ?? '', nonce: match[2] ?? '' };
}
