/** What a request says of itself, by lower-case key such as `kms:viaservice`. */
export type Context = Readonly<Record<string, string | readonly string[]>>;
