import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { AwsModelRegistry, fetchApprovedModel, tagValue, type ArtifactStore } from '../../../deploy/mod.js';
import { rawTar } from '../../lib/raw-archives.js';

const ARN = 'arn:aws:sagemaker:us-east-1:123456789012:model-package/doubler/3';

/** SageMaker's answer to DescribeModelPackage, over HTTP. */
async function registryWith(answer: object): Promise<AsyncDisposable & { registry: AwsModelRegistry }> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const registry = new AwsModelRegistry({
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  return {
    registry,
    [Symbol.asyncDispose]: async () => {
      registry.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(approval: string, dataUrl: string): object {
  return {
    ModelPackageArn: ARN,
    ModelApprovalStatus: approval,
    ApprovalDescription: 'meets the bar',
    MetadataProperties: { CommitId: 'abc123', GeneratedBy: 'arn:job', Repository: 'models' },
    InferenceSpecification: { Containers: [{ Image: 'none', ModelDataUrl: dataUrl }] },
  };
}

function storeWith(bytes: Uint8Array): ArtifactStore {
  return {
    checkBucket: () => Promise.resolve(),
    put: () => Promise.resolve(true),
    get: (bucket, key) => {
      assert.equal(bucket, 'models');
      assert.match(key, /^doubler\//);
      return Promise.resolve(bytes);
    },
  };
}

function tar(files: Readonly<Record<string, string>>): Buffer {
  return rawTar(Object.entries(files).map(([name, data]) => ({ name, data })));
}

describe('fetchApprovedModel', () => {
  it('refuses a model package that is not approved', async () => {
    for (const approval of ['PendingManualApproval', 'Rejected']) {
      await using twin = await registryWith(answer(approval, 's3://models/doubler/model.onnx'));
      await assert.rejects(
        fetchApprovedModel(ARN, twin.registry, storeWith(Buffer.from('x'))),
        new RegExp(`as it is not approved: its status is ${approval}`),
      );
    }
  });

  it('fetches an approved model and records where it came from', async () => {
    await using twin = await registryWith(answer('Approved', 's3://models/doubler/model.onnx'));
    let file: string;
    {
      await using model = await fetchApprovedModel(ARN, twin.registry, storeWith(Buffer.from('onnx bytes')));
      file = model.file;
      assert.equal(await readFile(file, 'utf8'), 'onnx bytes');
      assert.deepEqual(model.provenance, {
        commit: 'abc123',
        repository: 'models',
        trainingJob: 'arn:job',
        modelPackageArn: ARN,
        approval: { status: 'Approved', description: 'meets the bar' },
      });
    }
    assert.ok(!existsSync(file), 'nothing is left behind');
  });

  it('takes the only ONNX file of an archive, and no archive with two or that is cut off', async () => {
    await using twin = await registryWith(answer('Approved', 's3://models/doubler/model.tar.gz'));
    const fetchFrom = (archive: Uint8Array) => fetchApprovedModel(ARN, twin.registry, storeWith(archive));
    {
      await using model = await fetchFrom(gzipSync(tar({ 'code/run.py': 'pass', 'a/model.onnx': 'onnx' })));
      assert.equal(await readFile(model.file, 'utf8'), 'onnx');
    }
    await assert.rejects(
      fetchFrom(gzipSync(tar({ 'a.onnx': '1', 'b.onnx': '2' }))),
      /exactly one \.onnx file: it holds 2/,
    );
    await assert.rejects(
      fetchFrom(gzipSync(tar({ 'a.onnx': '1'.repeat(600) }).subarray(0, 700))),
      /is cut off/,
    );
    await assert.rejects(fetchFrom(Buffer.from('no gzip')), /archive is damaged/);
  });
});

describe('tagValue', () => {
  it('keeps what AWS takes and replaces the rest', () => {
    assert.equal(tagValue('s3://data/x@1 + y'), 's3://data/x@1 + y');
    assert.equal(tagValue('a;b*c{d}'), 'a_b_c_d_');
    assert.equal(tagValue('x'.repeat(300)).length, 256);
  });
});
