import type { JSX } from "preact";
import { useId } from "preact/hooks";
import { setParameters } from "../base/location.tsx";
import type { CampaignData } from "../campaign-data.ts";
import { axesFor } from "./axes-for.ts";
import { plain, REPETITION, SCALAR } from "./figure-data.ts";
import { COLOUR_SCALES, logText, OVERS, PLOTS, type Settings } from "./settings.ts";

/** The choices that determine a figure. */
export function Controls({
  campaign,
  settings,
}: {
  campaign: CampaignData;
  settings: Settings;
}): JSX.Element {
  const axes = axesFor(campaign, settings);
  const { isLogX, isLogY, hasPoints, plot } = settings;
  const variables = [...campaign.variables.value.map((name) => `$${name}`), REPETITION];
  const without = (...used: string[]): string[] => variables.filter((name) => !used.includes(name));
  const isHeat = plot === "heat map";
  return (
    <div class="controls">
      <Choice
        label="plot"
        value={plot}
        options={PLOTS}
        set={(value) => setParameters({ plot: unless(value, "lines") })}
      />
      <Choice label="x axis" value={axes.x} options={variables} set={(x) => setParameters({ x })} />
      <Choice
        label={isHeat ? "y axis" : "lines"}
        value={axes.line}
        options={["", ...without(axes.x)]}
        set={(line) => setParameters({ line: line || "-" })}
      />
      <Choice
        label="facets"
        value={axes.facet}
        options={["", SCALAR, ...without(axes.x, axes.line)]}
        set={(facet) => setParameters({ facet: facet || "-" })}
      />
      <Choice
        label="modules"
        value={settings.over}
        options={OVERS}
        set={(over) => setParameters({ over: unless(over, "each") })}
      />
      {isHeat ? (
        <Choice
          label="colours"
          value={settings.scale}
          options={COLOUR_SCALES}
          set={(scale) => setParameters({ scale: unless(scale, "linear") })}
        />
      ) : (
        <>
          <Check
            label="log x"
            value={isLogX}
            set={(value) => setParameters({ log: logText(value, isLogY) })}
          />
          <Check
            label="log y"
            value={isLogY}
            set={(value) => setParameters({ log: logText(isLogX, value) })}
          />
          <Check
            label="single runs"
            value={hasPoints}
            set={(value) => setParameters({ points: value ? "1" : undefined })}
          />
        </>
      )}
    </div>
  );
}

function unless(value: string, usual: string): string | undefined {
  return value === usual ? undefined : value;
}

interface ChoiceProps {
  label: string;
  value: string;
  options: readonly string[];
  set: (value: string) => void;
}

function Choice({ label, value, options, set }: ChoiceProps): JSX.Element {
  const id = useId();
  return (
    <span class="choice">
      <label for={id}>{label}</label>{" "}
      <select id={id} value={value} onChange={(event) => set(event.currentTarget.value)}>
        {options.map((option) => (
          <option key={option} value={option}>
            {option === "" ? "none" : plain(option)}
          </option>
        ))}
      </select>
    </span>
  );
}

function Check({
  label,
  value,
  set,
}: {
  label: string;
  value: boolean;
  set: (value: boolean) => void;
}): JSX.Element {
  return (
    <label>
      <input type="checkbox" checked={value} onChange={(event) => set(event.currentTarget.checked)} /> {label}
    </label>
  );
}
