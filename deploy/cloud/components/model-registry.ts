/** A version in SageMaker's model registry. */
export interface RegisteredModel {
  readonly arn: string;
  /** `Approved`, `Rejected`, `PendingManualApproval`. */
  readonly approval: string;
  readonly approvalDescription: string | undefined;
  readonly approvedBy: string | undefined;
  /** `s3://bucket/key` of the model's data. */
  readonly dataUrl: string | undefined;
  readonly commit: string | undefined;
  readonly repository: string | undefined;
  /** The training job or pipeline that made it. */
  readonly generatedBy: string | undefined;
}

export interface ModelRegistry {
  registeredModel(arn: string): Promise<RegisteredModel>;
}
