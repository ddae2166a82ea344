import { z } from 'zod';
import { ResultDocumentSchema } from './document.js';

/**
 * The JSON Schema (draft 2020-12) of a result document as it may be read: the specification's own
 * form is valid. Checks that JSON Schema cannot express, such as min ≤ median ≤ max, are left to
 * `parseDocument`.
 */
export function resultJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(ResultDocumentSchema, { io: 'input' });
  return {
    title: 'npu-bench result document, version 1',
    description:
      'Result of a benchmark of an LLM or embedding model. Unknown keys are allowed and kept. A metric that was not taken is null, with its reason in `unavailable`.',
    ...schema,
  };
}
