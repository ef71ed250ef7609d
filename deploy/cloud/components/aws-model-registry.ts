import { SageMaker } from '@aws-sdk/client-sagemaker';
import { clientConfig, doing, type AwsOptions } from '../aws/mod.js';
import type { ModelRegistry, RegisteredModel } from './model-registry.js';

/** SageMaker's model registry. */
export class AwsModelRegistry implements ModelRegistry {
  readonly #sagemaker: SageMaker;

  constructor(options: AwsOptions = {}) {
    this.#sagemaker = new SageMaker(clientConfig(options, 'SAGEMAKER'));
  }

  close(): void {
    this.#sagemaker.destroy();
  }

  async registeredModel(arn: string): Promise<RegisteredModel> {
    return doing(`Cannot read the model package ${arn}`, async () => {
      const found = await this.#sagemaker.describeModelPackage({ ModelPackageName: arn });
      const { ModelDataUrl, ModelDataSource } = found.InferenceSpecification?.Containers?.[0] ?? {};
      return {
        arn: found.ModelPackageArn ?? arn,
        approval: found.ModelApprovalStatus ?? 'PendingManualApproval',
        approvalDescription: found.ApprovalDescription,
        approvedBy: found.LastModifiedBy?.UserProfileName,
        dataUrl: ModelDataUrl ?? ModelDataSource?.S3DataSource?.S3Uri,
        commit: found.MetadataProperties?.CommitId,
        repository: found.MetadataProperties?.Repository,
        generatedBy: found.MetadataProperties?.GeneratedBy,
      };
    });
  }
}
