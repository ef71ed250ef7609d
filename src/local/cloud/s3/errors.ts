/** What a refusal says beside its code and sentence. */
export interface S3ErrorMore {
  /** Further elements of the error document. */
  readonly elements?: Readonly<Record<string, string | number>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer of S3 other than success: its wire form, not an error of ours, so it is no EdgeError. */
export class S3Error extends Error {
  override readonly name = 'S3Error';

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly more: S3ErrorMore = {},
  ) {
    super(message);
  }
}

/** The answers that this server gives, with S3's status, code and elements; the wording is its own mostly. */
export const s3Errors = {
  accessDenied: (why: string, elements = {}) => new S3Error(403, 'AccessDenied', why, { elements }),
  authorizationMalformed: (why: string, elements = {}) =>
    new S3Error(400, 'AuthorizationHeaderMalformed', why, { elements }),
  authorizationQuery: (why: string) => new S3Error(400, 'AuthorizationQueryParametersError', why),
  badDigest: (name: string) =>
    new S3Error(400, 'BadDigest', `The ${name} you specified did not match the received bytes`),
  badRequest: (why: string) => new S3Error(400, 'BadRequest', why),
  bucketAlreadyOwned: (bucket: string) =>
    new S3Error(409, 'BucketAlreadyOwnedByYou', 'The bucket exists and is yours', {
      elements: { BucketName: bucket },
    }),
  bucketNotEmpty: (bucket: string) =>
    new S3Error(409, 'BucketNotEmpty', 'The bucket you tried to delete is not empty', {
      elements: { BucketName: bucket },
    }),
  conditionalConflict: () =>
    new S3Error(409, 'ConditionalRequestConflict', 'A conflicting write of this key is under way'),
  entityTooLarge: (proposedBytes: number, maxBytes: number) =>
    new S3Error(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', {
      elements: { ProposedSize: proposedBytes, MaxSizeAllowed: maxBytes },
    }),
  entityTooSmall: (number: number, sizeBytes: number) =>
    new S3Error(400, 'EntityTooSmall', 'All parts but the last must have 5 MiB or more', {
      elements: { ProposedSize: sizeBytes, MinSizeAllowed: 5 * 1024 * 1024, PartNumber: number },
    }),
  expiredToken: () => new S3Error(400, 'ExpiredToken', 'The provided token has expired'),
  illegalLocation: (wanted: string) =>
    new S3Error(
      400,
      'IllegalLocationConstraintException',
      `The ${wanted} location constraint is incompatible for the region specific endpoint this request was sent to`,
    ),
  incompleteBody: () => new S3Error(400, 'IncompleteBody', 'Fewer bytes came than were announced'),
  invalidAccessKey: (id: string) =>
    new S3Error(403, 'InvalidAccessKeyId', 'The access key id is not known here', {
      elements: { AWSAccessKeyId: id },
    }),
  invalidArgument: (why: string, elements = {}) => new S3Error(400, 'InvalidArgument', why, { elements }),
  invalidBucketName: (bucket: string) =>
    new S3Error(400, 'InvalidBucketName', 'The bucket name is not valid', {
      elements: { BucketName: bucket },
    }),
  invalidChunkSize: () =>
    new S3Error(403, 'InvalidChunkSizeError', 'Only the last chunk may have fewer than 8192 bytes'),
  invalidDigest: (header: string) =>
    new S3Error(400, 'InvalidDigest', `The ${header} you specified was invalid`),
  invalidLocation: () =>
    new S3Error(400, 'InvalidLocationConstraint', 'The specified location constraint is not valid'),
  invalidPart: (number: number) =>
    new S3Error(400, 'InvalidPart', 'A listed part was not uploaded, or has another ETag or checksum', {
      elements: { PartNumber: number },
    }),
  invalidPartNumber: () =>
    new S3Error(416, 'InvalidPartNumber', 'The requested part number cannot be satisfied'),
  invalidPartOrder: () =>
    new S3Error(400, 'InvalidPartOrder', 'The parts must be listed in ascending order of their numbers'),
  invalidRange: (requested: string, sizeBytes: number) =>
    new S3Error(416, 'InvalidRange', 'The requested range cannot be satisfied', {
      elements: { RangeRequested: requested, ActualObjectSize: sizeBytes },
      headers: { 'content-range': `bytes */${sizeBytes}` },
    }),
  invalidRequest: (why: string) => new S3Error(400, 'InvalidRequest', why),
  invalidStorageClass: () =>
    new S3Error(400, 'InvalidStorageClass', 'The storage class you specified is not valid'),
  invalidTag: (why: string) => new S3Error(400, 'InvalidTag', why),
  invalidToken: () => new S3Error(400, 'InvalidToken', 'The provided session token is not valid'),
  invalidUri: () => new S3Error(400, 'InvalidURI', "Couldn't parse the specified URI."),
  keyTooLong: (sizeBytes: number) =>
    new S3Error(400, 'KeyTooLongError', 'Your key is too long', {
      elements: { Size: sizeBytes, MaxSizeAllowed: 1024 },
    }),
  malformedTrailer: () =>
    new S3Error(400, 'MalformedTrailerError', 'The trailer that the request announced did not come'),
  malformedXml: () => new S3Error(400, 'MalformedXML', 'The body is not the XML that this operation takes'),
  metadataTooLarge: (sizeBytes: number, maxBytes: number) =>
    new S3Error(400, 'MetadataTooLarge', 'Your metadata headers exceed the maximum allowed metadata size', {
      elements: { Size: sizeBytes, MaxSizeAllowed: maxBytes },
    }),
  methodNotAllowed: (what: string) =>
    new S3Error(
      405,
      'MethodNotAllowed',
      `The specified method is not allowed against this resource: ${what}`,
    ),
  missingContentLength: () => new S3Error(411, 'MissingContentLength', 'Content-Length is required'),
  noAcls: () => new S3Error(400, 'AccessControlListNotSupported', 'The bucket does not allow ACLs'),
  noSuchBucket: (bucket: string) =>
    new S3Error(404, 'NoSuchBucket', 'The specified bucket does not exist', {
      elements: { BucketName: bucket },
    }),
  noSuchKey: (key: string) =>
    new S3Error(404, 'NoSuchKey', 'The specified key does not exist.', { elements: { Key: key } }),
  noSuchUpload: (id: string) =>
    new S3Error(404, 'NoSuchUpload', 'The multipart upload does not exist: it may be aborted or completed', {
      elements: { UploadId: id },
    }),
  noSuchVersion: (id: string) =>
    new S3Error(404, 'NoSuchVersion', 'The specified version does not exist.', {
      elements: { VersionId: id },
    }),
  notImplemented: (what: string) =>
    new S3Error(501, 'NotImplemented', `This server for development does not implement ${what}`),
  payloadMismatch: (sent: string, computed: string) =>
    new S3Error(
      400,
      'XAmzContentSHA256Mismatch',
      'x-amz-content-sha256 does not match the SHA-256 of what was received',
      { elements: { ClientComputedContentSHA256: sent, S3ComputedContentSHA256: computed } },
    ),
  preconditionFailed: (condition: string) =>
    new S3Error(412, 'PreconditionFailed', 'At least one of the preconditions did not hold', {
      elements: { Condition: condition },
    }),
  signatureMismatch: () =>
    new S3Error(403, 'SignatureDoesNotMatch', 'The signature does not match the one calculated here'),
  timeSkewed: (requestTime: string, serverTime: string) =>
    new S3Error(403, 'RequestTimeTooSkewed', 'The request time and the current time differ too much', {
      elements: { RequestTime: requestTime, ServerTime: serverTime, MaxAllowedSkewMilliseconds: 900_000 },
    }),
} as const;
