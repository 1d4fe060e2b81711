//! The charts of the page, as SVG with only three colours of its own. Ink and lines are the page's, by day and by
//! night.

use plotters::coord::Shift;
use plotters::coord::ranged1d::ValueFormatter;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::cli::bench::figures::{Unit, thousands};
use crate::protocol::Transport;

/// The page's style sheet knows these by their values, and gives them the colours in force.
const INK: RGBColor = RGBColor(1, 1, 1);
const GRID: RGBColor = RGBColor(2, 2, 2);
/// One colour for each transport, as on the demo's page. The style sheet also draws them solid, dashed and dotted.
const SERIES: [RGBColor; 3] = [RGBColor(0x0b, 0x7a, 0x6f), RGBColor(0x98, 0x56, 0x00), RGBColor(0x6c, 0x4f, 0xb0)];

/// The width of the drawing. On a page it is as wide as there is room.
const WIDTH: u32 = 480;
const TEXT: i32 = 14;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Returns the place of a transport's colour.
pub(super) fn place(transport: &str) -> usize {
    Transport::ALL.iter().position(|of| of.name() == transport).unwrap_or(0)
}

/// A line for each transport.
pub(super) struct Series {
    /// The place of the transport, from 0.
    pub(super) place: usize,
    pub(super) points: Vec<(f64, f64)>,
}

/// The axes of a chart with lines.
pub(super) struct Axes {
    pub(super) x: &'static str,
    /// The name of a place on the x axis.
    pub(super) at: fn(f64) -> String,
    /// How many places have a name.
    pub(super) places: usize,
    pub(super) unit: Unit,
    /// Makes each step of the y axis a multiple of the one before.
    pub(super) by_magnitude: bool,
}

/// Draws lines over a common x axis. Draws nothing if no line has two points.
///
/// # Errors
/// The library's error, in its own words.
pub(super) fn lines(title: &str, axes: &Axes, series: &[Series]) -> Result<Option<String>, String> {
    if series.iter().all(|series| series.points.len() < 2) {
        return Ok(None);
    }
    let points = || series.iter().flat_map(|series| &series.points);
    let Some(right) = points().map(|(x, _)| *x).reduce(f64::max).filter(|right| *right > 0.0) else { return Ok(None) };
    let top = points().map(|(_, y)| *y).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let least = points().map(|(_, y)| *y).filter(|y| *y > 0.0).fold(top, f64::min);
    draw(title, 300, |area| {
        let mut builder = ChartBuilder::on(area);
        // Names of places have room for a phone's larger letters.
        builder.margin(6).margin_top(12).margin_right(32).x_label_area_size(44).y_label_area_size(104);
        if axes.by_magnitude {
            // Whole magnitudes give the axis at least two names.
            let (bottom, top) = (10_f64.powf(least.log10().floor()), 10_f64.powf(top.log10().ceil()));
            let mut chart = builder.build_cartesian_2d(0.0..right, (bottom..top.max(bottom * 10.0)).log_scale())?;
            plot(&mut chart, axes, &|y| axes.unit.show(*y), series)
        } else {
            let mut chart = builder.build_cartesian_2d(0.0..right, 0.0..top * 1.1)?;
            plot(&mut chart, axes, &|y| thousands(*y), series)
        }
    })
    .map(Some)
}

/// Draws the axes, with the names on the y axis, and the lines.
fn plot<'a, Y>(
    chart: &mut ChartContext<'_, SVGBackend<'a>, Cartesian2d<RangedCoordf64, Y>>,
    axes: &Axes,
    named: &dyn Fn(&f64) -> String,
    series: &[Series],
) -> Drawn
where
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    chart
        .configure_mesh()
        .axis_style(INK)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .label_style(text(INK))
        .x_desc(axes.x)
        .x_labels(axes.places)
        .x_label_formatter(&|x| (axes.at)(*x))
        .y_label_formatter(&named)
        .draw()?;
    for series in series {
        chart.draw_series(LineSeries::new(series.points.clone(), SERIES[series.place].stroke_width(2)))?;
    }
    Ok(())
}

/// A bar.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) value: f64,
    /// The place of the transport's colour, from 0.
    pub(super) place: usize,
    /// A mark on the bar: the figure of the baseline, or its bound.
    pub(super) mark: Option<f64>,
}

/// Draws bars below each other. Draws nothing if there is none.
///
/// # Errors
/// The library's error, in its own words.
pub(super) fn bars(title: &str, unit: Unit, bars: &[Bar]) -> Result<Option<String>, String> {
    const ROW: u32 = 30;
    let most = bars.iter().flat_map(|bar| [bar.value, bar.mark.unwrap_or(0.0)]).fold(0.0, f64::max);
    if bars.is_empty() || most <= 0.0 {
        return Ok(None);
    }
    let longest = bars.iter().map(|bar| bar.name.chars().count()).max().unwrap_or(0);
    // The library measures text of one font only. Eleven points for a character are enough for any font, even at a
    // phone's size.
    let from = i32::try_from(longest * 11).unwrap_or(0) + 4;
    let room = f64::from(i32::try_from(WIDTH).unwrap_or(0) - from - 100);
    let height = ROW * u32::try_from(bars.len()).unwrap_or(1) + 6;
    draw(title, height, |area| {
        for (row, bar) in bars.iter().enumerate() {
            let top = i32::try_from(row)? * i32::try_from(ROW)? + 5;
            let (middle, bottom) = (top + 10, top + 20);
            let x = |value: f64| from + (value / most * room).round() as i32;
            area.draw(&Text::new(
                bar.name.clone(),
                (from - 6, middle),
                text(INK).pos(Pos::new(HPos::Right, VPos::Center)),
            ))?;
            area.draw(&Rectangle::new(
                [(from, top), (x(bar.value).max(from + 1), bottom)],
                SERIES[bar.place].filled(),
            ))?;
            if let Some(mark) = bar.mark {
                area.draw(&PathElement::new([(x(mark), top - 3), (x(mark), bottom + 3)], INK.stroke_width(2)))?;
            }
            let behind = x(bar.value.max(bar.mark.unwrap_or(0.0))) + 6;
            area.draw(&Text::new(
                unit.show(bar.value),
                (behind, middle),
                text(INK).pos(Pos::new(HPos::Left, VPos::Center)),
            ))?;
        }
        Ok(())
    })
    .map(Some)
}

fn text(color: RGBColor) -> TextStyle<'static> {
    ("sans-serif", TEXT).into_font().color(&color)
}

/// Draws the picture alone: no header of a file, no size but its proportions, and a title for people who do not see it.
fn draw(title: &str, height: u32, inside: impl FnOnce(&Area<'_>) -> Drawn) -> Result<String, String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        inside(&area).and_then(|()| Ok(area.present()?)).map_err(|error| format!("the chart {title:?}: {error}"))?;
    }
    let start = format!("<svg role=\"img\" aria-label=\"{title}\" viewBox=\"0 0 {WIDTH} {height}\">");
    let body = svg.split_once('>').map_or("", |(_, body)| body);
    Ok(start + body)
}
