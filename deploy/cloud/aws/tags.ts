/** Tags as Greengrass takes them: it refuses a map without entries. */
export function tagsOf(tags: Readonly<Record<string, string>>): { readonly tags?: Record<string, string> } {
  return Object.keys(tags).length === 0 ? {} : { tags: { ...tags } };
}
