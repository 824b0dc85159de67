import { PluginKind, declareValuePlugin } from '@stryker-mutator/api/plugin';

/** Leaves the words of an error alone: whether it is thrown is a mutant, how it reads is not. */
const ignorer = {
  shouldIgnore({ node }) {
    const isError = node.type === 'NewExpression' && /Error$/.test(node.callee.name ?? '');
    return isError ? 'the words of an error' : undefined;
  },
};

export const strykerPlugins = [declareValuePlugin(PluginKind.Ignore, 'error-texts', ignorer)];
