import { allMutators } from '../../node_modules/@stryker-mutator/instrumenter/dist/src/mutators/mutate.js';
import { deepCloneNode } from '../../node_modules/@stryker-mutator/instrumenter/dist/src/util/syntax-helpers.js';

// StrykerJS changes the operators of JavaScript; here most numbers are made by calls of TensorFlow and
// from constants. It has no place for further mutators, so these join its list.

/** What a call of TensorFlow is mistaken for: one of the same arguments. */
const mistaken = Object.entries({
  add: 'sub',
  mul: 'div',
  maximum: 'minimum',
  greater: 'greaterEqual',
  less: 'lessEqual',
  logicalAnd: 'logicalOr',
  sum: 'mean',
  ones: 'zeros',
  onesLike: 'zerosLike',
  argMax: 'argMin',
  floor: 'ceil',
});
const others = new Map([
  ...mistaken,
  ...mistaken.map(([one, other]) => [other, one]),
  ['divNoNan', 'div'],
  ['squaredDifference', 'sub'],
  ['softplus', 'relu'],
  ['log1p', 'log'],
  ['logSoftmax', 'softmax'],
  ['softmax', 'logSoftmax'],
]);
/** Those left out, so that their argument stands alone. */
const droppable = new Set([
  ...['abs', 'exp', 'log', 'neg', 'relu', 'round', 'sigmoid', 'sign', 'sqrt', 'square', 'tanh'],
  ...['clipByValue', 'reverse', 'transpose'],
]);

const tensorOperation = {
  name: 'TensorOperation',
  *mutate({ node }) {
    if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return;
    const { object, property } = node.callee;
    if (object.name !== 'tf' || node.callee.computed) return;
    const other = others.get(property.name);
    if (other !== undefined) {
      const call = deepCloneNode(node);
      call.callee.property.name = other;
      yield call;
    }
    if (droppable.has(property.name)) yield deepCloneNode(node.arguments[0]);
  },
};

/** A number twice as large, and 1 for 0. */
const numberLiteral = {
  name: 'NumberLiteral',
  *mutate({ node, parent }) {
    if (node.type !== 'NumericLiteral' || isName(node, parent)) return;
    const value = node.value === 0 ? 1 : 2 * node.value;
    yield { type: 'NumericLiteral', value };
  },
};

/** A key or a type, no value; or what the compiler wants to hear beside an index that is always there. */
function isName(node, parent) {
  if (parent.type.startsWith('TS')) return !/^TS(As|Satisfies|NonNull)/.test(parent.type);
  return (
    (parent.type === 'LogicalExpression' && parent.operator === '??' && parent.right === node) ||
    (/Property$|Method$/.test(parent.type) && parent.key === node)
  );
}

allMutators.push(tensorOperation, numberLiteral);
