/** Whether an MQTT-like filter (`+` one level, `#` the rest) matches a topic. */
export function filterMatches(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const levels = topic.split('/');
  for (const [index, part] of wanted.entries()) {
    if (part === '#') return true;
    const level = levels[index];
    if (level === undefined || (part !== '+' && part !== level)) return false;
  }
  return wanted.length === levels.length;
}
