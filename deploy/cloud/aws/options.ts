export interface AwsOptions {
  /** Default: AWS_REGION, or the profile's. */
  readonly region?: string;
  /** Default: AWS's, or AWS_ENDPOINT_URL. */
  readonly endpoint?: string;
  /** Default: the SDK's chain. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}
