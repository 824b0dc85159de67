// tslab 1.0.22 keeps a cell's variables as properties of an object and rewrites their uses in later cells,
// but overlooks the short form { x } of { x: x }: it would fail with "x is not defined".

/** A cell's text with every `{ x }` in an object written as `{ x: x }`; no line moves. */
function withoutShorthand(typescript, source) {
  const file = typescript.createSourceFile('cell.ts', source, typescript.ScriptTarget.Latest, true);
  const insertions = [];
  const visit = (node) => {
    if (typescript.isShorthandPropertyAssignment(node)) {
      insertions.push({ at: node.name.getEnd(), text: `: ${node.name.text}` });
    }
    typescript.forEachChild(node, visit);
  };
  visit(file);
  return insertions
    .reverse()
    .reduce((text, { at, text: added }) => text.slice(0, at) + added + text.slice(at), source);
}

/** Makes every converter that tslab creates from now on see such cells. */
function acceptShorthand(converterModule, typescript) {
  const { createConverter } = converterModule;
  converterModule.createConverter = (options) => {
    const converter = createConverter(options);
    const { convert } = converter;
    return {
      ...converter,
      convert: (previous, source) => convert(previous, withoutShorthand(typescript, source)),
    };
  };
}

module.exports = { acceptShorthand, withoutShorthand };
