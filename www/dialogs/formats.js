// @ts-check
// The formats that the export dialog lists, by group. A test of crates/model-files holds this to the table of formats
// there, and prints what it should be where they differ.

/** @type {Record<string, string[]>} */
export const GROUPS = {
  run: ['run_file'],
  models: ['keras_h5', 'keras', 'onnx', 'tfjs', 'pmml', 'page'],
  arrays: ['safetensors', 'npz', 'coefficients', 'history'],
  code: ['python', 'javascript', 'rust', 'c', 'sql'],
  recipes: ['recipe_keras', 'recipe_pytorch', 'recipe_sklearn', 'recipe_spark'],
};
