/** An answer of S3 other than success: its wire form, not an error of ours, so it is no EdgeError. */
export class S3Error extends Error {
  override readonly name = 'S3Error';

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** The answers that this server gives, with S3's status, code and wording of its own. */
export const s3Errors = {
  accessDenied: (why: string) => new S3Error(403, 'AccessDenied', why),
  authorizationMalformed: (why: string) => new S3Error(400, 'AuthorizationHeaderMalformed', why),
  badDigest: (name: string) =>
    new S3Error(400, 'BadDigest', `The ${name} you specified did not match the received bytes`),
  bucketAlreadyOwned: () => new S3Error(409, 'BucketAlreadyOwnedByYou', 'The bucket exists and is yours'),
  conditionalConflict: () =>
    new S3Error(409, 'ConditionalRequestConflict', 'A conflicting write of this key is under way'),
  entityTooSmall: () => new S3Error(400, 'EntityTooSmall', 'All parts but the last must have 5 MiB or more'),
  expiredToken: () => new S3Error(400, 'ExpiredToken', 'The provided token has expired'),
  incompleteBody: () => new S3Error(400, 'IncompleteBody', 'Fewer bytes came than Content-Length announced'),
  invalidAccessKey: () => new S3Error(403, 'InvalidAccessKeyId', 'The access key id is not known here'),
  invalidArgument: (why: string) => new S3Error(400, 'InvalidArgument', why),
  invalidBucketName: () => new S3Error(400, 'InvalidBucketName', 'The bucket name is not valid'),
  invalidPart: () => new S3Error(400, 'InvalidPart', 'A listed part was not uploaded, or has another ETag'),
  invalidPartOrder: () =>
    new S3Error(400, 'InvalidPartOrder', 'The parts must be listed in ascending order of their numbers'),
  invalidRange: () => new S3Error(416, 'InvalidRange', 'The requested range cannot be satisfied'),
  invalidRequest: (why: string) => new S3Error(400, 'InvalidRequest', why),
  invalidToken: () => new S3Error(400, 'InvalidToken', 'The provided session token is not valid'),
  keyTooLong: () => new S3Error(400, 'KeyTooLongError', 'The key is longer than 1024 bytes'),
  malformedXml: () => new S3Error(400, 'MalformedXML', 'The body is not the XML that this operation takes'),
  missingContentLength: () => new S3Error(411, 'MissingContentLength', 'Content-Length is required'),
  noSuchBucket: () => new S3Error(404, 'NoSuchBucket', 'The bucket does not exist'),
  noSuchKey: () => new S3Error(404, 'NoSuchKey', 'The key does not exist'),
  noSuchUpload: () => new S3Error(404, 'NoSuchUpload', 'The multipart upload does not exist'),
  notImplemented: (what: string) =>
    new S3Error(501, 'NotImplemented', `This server for development does not implement ${what}`),
  payloadMismatch: () =>
    new S3Error(
      400,
      'XAmzContentSHA256Mismatch',
      'x-amz-content-sha256 does not match the SHA-256 of what was received',
    ),
  preconditionFailed: () =>
    new S3Error(412, 'PreconditionFailed', 'At least one of the preconditions did not hold'),
  signatureMismatch: () =>
    new S3Error(403, 'SignatureDoesNotMatch', 'The signature does not match the one calculated here'),
  timeSkewed: () =>
    new S3Error(403, 'RequestTimeTooSkewed', 'The request time and the current time differ too much'),
} as const;
