/**
 * A schema that takes the same values and costs two thirds to compile: below a `not`, nothing is made that tells why
 * a value was refused, and two of them are none.
 */
export function silentSchema(schema: object): object {
  return { not: { not: schema } };
}
