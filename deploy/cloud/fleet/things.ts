export interface Things {
  /** A thing's attributes. */
  thing(name: string): Promise<Readonly<Record<string, string>> | undefined>;
  createThing(name: string, attributes: Readonly<Record<string, string>>): Promise<void>;
  deleteThing(name: string): Promise<void>;
}
