import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { saveContent } from "../base/download.ts";
import { messageOf } from "../base/request.ts";
import type { CampaignData } from "../campaign-data.ts";
import { CopyButton } from "../runs/copy-button.tsx";
import { LIGHT } from "./colours.ts";
import { csvOf, pythonOf } from "./export-text.ts";
import type { Axes, FigureData } from "./figure-data.ts";
import { HeatFigure } from "./heat-figure.tsx";
import type { ResultList } from "./items.ts";
import { LineFigure } from "./line-figure.tsx";
import { pngOf, svgText } from "./picture.tsx";
import type { Settings } from "./settings.ts";

const EXPORT_WIDTH = 900;

interface ExportProps {
  campaign: CampaignData;
  data: FigureData;
  axes: Axes;
  settings: Settings;
  list: ResultList;
}

/** Saves the figure, its values, or a script that draws it; copies its address. */
export function ExportBar({ campaign, data, axes, settings, list }: ExportProps): JSX.Element {
  const failure = useSignal("");
  const summary = campaign.summary.value!;
  const name = `${summary.config}-${campaign.id}`;
  const svg = (): string => {
    const Figure = settings.plot === "heat map" ? HeatFigure : LineFigure;
    return svgText(<Figure {...{ data, axes, settings }} theme={LIGHT} width={EXPORT_WIDTH} />);
  };
  const saved: Record<string, () => void | Promise<void>> = {
    SVG: () => saveContent(`${name}.svg`, svg(), "image/svg+xml"),
    PNG: async () => saveContent(`${name}.png`, await pngOf(svg())),
    CSV: () => saveContent(`${name}.csv`, csvOf(data, axes), "text/csv"),
    Python: () => {
      const { config, study, id } = summary;
      const isFiltered = campaign.query.value.terms.length > 0;
      const rows = isFiltered ? campaign.matching.value : undefined;
      const hasParameters = list.items.some(([, , , kind]) => kind === "parameter");
      saveContent(
        `${name}.py`,
        pythonOf(settings, axes, data, { config, study, id, rows, hasParameters }),
        "text/x-python",
      );
    },
  };
  const save = async (action: () => void | Promise<void>): Promise<void> => {
    try {
      await action();
      failure.value = "";
    } catch (error) {
      failure.value = messageOf(error);
    }
  };
  return (
    <div class="bar-line">
      <span class="quiet">Export</span>
      {Object.entries(saved).map(([title, action]) => (
        <button key={title} type="button" onClick={() => void save(action)}>
          {title}
        </button>
      ))}
      <CopyButton text={location.href} label="Copy link" />
      {failure.value !== "" && (
        <span class="error" role="alert">
          {failure.value}
        </span>
      )}
    </div>
  );
}
