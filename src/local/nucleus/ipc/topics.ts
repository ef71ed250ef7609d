/**
 * Which topics a subscription's filter selects. Each function compiles a filter once, as a publish asks every
 * subscription.
 */
export type TopicMatcher = (topic: string) => boolean;

/**
 * MQTT's own rules, as the broker of IoT Core and nucleus lite (coreMQTT) have them: `foo/#` matches `foo`,
 * `+` matches an empty level, and a wildcard at the start never matches a topic that starts with `$`.
 */
export function mqttMatcher(filter: string): TopicMatcher {
  if (!hasWildcard(filter)) return (topic) => topic === filter;
  const levels = filter.split('/');
  return (topic) => {
    if (topic.startsWith('$') && /^[+#]/.test(filter)) return false;
    return matchesLevels(levels, topic.split('/'));
  };
}

function matchesLevels(filter: readonly string[], topic: readonly string[]): boolean {
  for (const [index, level] of filter.entries()) {
    if (level === '#' && index === filter.length - 1) return true;
    if (index >= topic.length) return false;
    if (level !== '+' && level !== topic[index]) return false;
  }
  return filter.length === topic.length;
}

/**
 * The Java nucleus' subscription trie: empty levels at the end do not count, `foo/#` does not match `foo`, and a `#`
 * in the middle stands for one level.
 */
export function nucleusMatcher(filter: string): TopicMatcher {
  const levels = withoutEmptyEnd(filter);
  if (!hasWildcard(filter)) {
    const wanted = levels.join('/');
    return (topic) => topic === filter || withoutEmptyEnd(topic).join('/') === wanted;
  }
  return (topic) => matchesTrie(levels, withoutEmptyEnd(topic));
}

function matchesTrie(filter: readonly string[], topic: readonly string[]): boolean {
  for (const [index, level] of filter.entries()) {
    if (index >= topic.length) return false;
    if (level === '#' && index === filter.length - 1) return true;
    if (level !== '+' && level !== '#' && level !== topic[index]) return false;
  }
  return filter.length === topic.length;
}

/** True if a whole level of the filter is `+`, or its last is `#`: the Java nucleus' default receive mode turns on it. */
export function isWildcardFilter(filter: string): boolean {
  const levels = withoutEmptyEnd(filter);
  return levels.some((level, index) => level === '+' || (level === '#' && index === levels.length - 1));
}

function hasWildcard(filter: string): boolean {
  return filter.includes('+') || filter.includes('#');
}

function withoutEmptyEnd(topic: string): string[] {
  const levels = topic.split('/');
  while (levels.length > 1 && levels.at(-1) === '') levels.pop();
  return levels;
}
