// Plotly's own extension for JupyterLab shows a plot's picture, larger than the cell, until the mouse is over
// it; then the plot takes another size, and the picture in the file is replaced by one of that size. With this
// one a plot is live at once, as large as its layout says or as the cell is wide, and the file stays as it is.
(() => {
  const plotly = 'jupyterlab-plotly';

  /** Plotly's class that draws an output, or undefined where the extension is another than is known here. */
  async function renderer() {
    const extension = window._JUPYTERLAB[plotly];
    if (extension === undefined) return undefined;
    const { RenderedPlotly } = (await extension.get('./mimeExtension'))();
    return typeof RenderedPlotly?.prototype.createGraph === 'function' ? RenderedPlotly : undefined;
  }

  async function render(model) {
    const [type, figure] = Object.entries(model.data).find(([name]) => name.includes('plotly'));
    // Plotly writes into what it draws.
    const { layout, ...rest } = structuredClone(figure);
    const { width, height } = layout;
    const pixels = (side) => (side === undefined ? '' : `${side}px`);
    const size = { width: '100%', maxWidth: pixels(width), height: pixels(height) };
    Object.assign(this.node.style, size);
    if (this.node.offsetWidth > 0) layout.width = this.node.offsetWidth;
    await this.createGraph({ data: { [type]: { ...rest, layout } }, setData: () => undefined });
    // From now on it is as wide as the cell lets it be.
    delete layout.width;
    this.update();
  }

  const plugin = {
    id: 'norm-direction-lab:plots',
    autoStart: true,
    activate: async () => {
      const rendered = await renderer();
      if (rendered !== undefined) rendered.prototype.renderModel = render;
    },
  };

  window._JUPYTERLAB ??= {};
  window._JUPYTERLAB['norm-direction-lab'] = {
    init: () => undefined,
    get: () => Promise.resolve(() => ({ __esModule: true, default: plugin })),
  };
})();
