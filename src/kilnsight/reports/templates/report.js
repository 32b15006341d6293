
(function () {
  "use strict";
  var data = JSON.parse(document.getElementById("data").textContent);
  var root = document.documentElement;
  var language = root.lang === "zh-Hans" ? "zh_Hans" : "en";
  var NOTHING = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

  function word(key) { return data.words[language][key]; }

  function element(tag, className, text) {
    var made = document.createElement(tag);
    if (className) { made.className = className; }
    if (text !== undefined) { made.textContent = text; }
    return made;
  }

  // ---- language

  function speak(chosen) {
    language = chosen;
    root.lang = chosen === "en" ? "en" : "zh-Hans";
    document.querySelectorAll("[data-attr]").forEach(function (item) {
      item.setAttribute(item.dataset.attr, chosen === "en" ? item.dataset.en : item.dataset.zh);
    });
    document.title = document.querySelector("title").getAttribute("data-title");
    document.querySelectorAll("[data-language]").forEach(function (button) {
      button.setAttribute("aria-pressed", String(button.dataset.language === chosen));
    });
    nameControls();
  }

  document.querySelectorAll("[data-language]").forEach(function (button) {
    button.addEventListener("click", function () { speak(button.dataset.language); });
  });

  // ---- map: the CRS is the map's own grid, metres east and north of its upper left corner

  var grid = L.extend({}, L.CRS.Simple, {
    transformation: new L.Transformation(1, 0, -1, 0),
    scale: function (zoom) { return Math.pow(2, zoom - data.zoom) / data.cell; },
    zoom: function (scale) { return data.zoom + Math.log(scale * data.cell) / Math.LN2; }
  });
  var extent = L.latLngBounds(
    [-data.height * data.cell, 0], [0, data.width * data.cell]
  );
  var map = L.map("map", {
    crs: grid, minZoom: -1, maxZoom: data.zoom + 3, zoomSnap: 0.25, zoomDelta: 1,
    maxBounds: extent.pad(0.6), attributionControl: false, zoomControl: false,
    wheelPxPerZoomLevel: 90
  });
  var canvas = L.canvas({ padding: 0.3 });

  var Tiles = L.TileLayer.extend({
    getTileUrl: function (coords) {
      var name = coords.z + "/" + coords.x + "/" + coords.y;
      return this.options.empty[name] ? NOTHING : "report/" + this.options.name + "/" + name + ".webp";
    }
  });

  function tiles(name) {
    var empty = {};
    data.layers[name].empty.forEach(function (tile) { empty[tile] = true; });
    return new Tiles("", {
      name: name, empty: empty, tileSize: data.tile, bounds: extent, noWrap: true,
      minNativeZoom: 0, maxNativeZoom: data.layers[name].zoom, minZoom: -1,
      maxZoom: data.zoom + 3, keepBuffer: 2
    });
  }

  var ortho = tiles("ortho");
  var relief = tiles("relief");
  var findings = L.featureGroup();
  var positions = L.layerGroup();
  var footprints = L.layerGroup();
  var shapes = {};

  function popup(finding) {
    var box = element("div");
    box.appendChild(element("b", "", finding.number + " · " + finding.name[language]));
    box.appendChild(element("p", "", finding.id + " · " + finding.code + " · " + word("severity") +
      " " + finding.severity + ", " + finding.level[language]));
    if (finding.size) { box.appendChild(element("p", "", finding.size)); }
    var link = element("a", "", word("card"));
    link.href = "#" + finding.id;
    link.addEventListener("click", function (event) {
      event.preventDefault();
      mark(finding.number);
      document.getElementById(finding.id).scrollIntoView({ block: "center" });
    });
    box.appendChild(link);
    return box;
  }

  data.findings.forEach(function (finding) {
    if (!finding.polygons.length) { return; }
    var colour = data.colours[finding.severity];
    L.polygon(finding.polygons, { color: "#fff", weight: 5, fill: false, interactive: false })
      .addTo(findings);
    var shape = L.polygon(finding.polygons, {
      color: colour, weight: 2.5, fillColor: colour, fillOpacity: 0.14
    }).addTo(findings);
    var pin = L.marker(finding.place, {
      icon: L.divIcon({
        className: "pin s" + finding.severity, iconSize: [28, 28],
        html: element("span", "", String(finding.number))
      }),
      alt: finding.id, title: finding.id, riseOnHover: true, zIndexOffset: 100 * finding.severity
    }).addTo(findings);
    var content = function () { return popup(finding); };
    [shape, pin].forEach(function (layer) {
      layer.bindPopup(content, { maxWidth: 300 });
      layer.on("click", function () { mark(finding.number); });
    });
    shapes[finding.number] = { shape: shape, pin: pin };
  });

  data.photos.forEach(function (photo) {
    var note = function () {
      var box = element("div");
      box.appendChild(element("b", "", photo.name));
      box.appendChild(element("p", "", word(photo.aligned ? "aligned" : "unaligned")));
      return box;
    };
    if (photo.ring.length) {
      L.polygon(photo.ring, {
        renderer: canvas, color: "#123f8c", weight: 1, opacity: 0.75, fillOpacity: 0.02
      }).bindPopup(note).addTo(footprints);
    }
    if (photo.place) {
      L.circleMarker(photo.place, {
        renderer: canvas, radius: 4.5, color: "#fff", weight: 1.5, fillOpacity: 1,
        fillColor: photo.aligned ? "#1f5fc4" : "#6d7780"
      }).bindPopup(note).addTo(positions);
    }
  });

  // ---- controls

  var Legend = L.Control.extend({
    onAdd: function () { this.box = element("div", "legend"); this.fill(); return this.box; },
    fill: function () {
      var box = this.box;
      if (!box) { return; }
      box.textContent = "";
      if (map.hasLayer(relief)) {
        var layer = data.layers.relief;
        box.appendChild(element("b", "", word("height")));
        var ramp = box.appendChild(element("span", "ramp"));
        ramp.style.background = "linear-gradient(to right," + layer.ramp.join(",") + ")";
        var ends = box.appendChild(element("span", "ends"));
        ends.appendChild(element("span", "", layer.low.toFixed(1) + " m"));
        ends.appendChild(element("span", "", layer.high.toFixed(1) + " m"));
      }
      var levels = {};
      data.findings.forEach(function (f) { levels[f.severity] = f.level[language]; });
      if (!Object.keys(levels).length) { box.hidden = !map.hasLayer(relief); return; }
      box.appendChild(element("b", "", word("severity")));
      Object.keys(levels).sort().reverse().forEach(function (level) {
        var item = box.appendChild(element("div", "item"));
        item.appendChild(element("span", "dot s" + level));
        item.appendChild(document.createTextNode(levels[level] + " (" + level + " / 4)"));
      });
    }
  });
  var legend = new Legend({ position: "bottomright" });

  var Home = L.Control.extend({
    onAdd: function () {
      var bar = element("div", "leaflet-bar");
      this.link = bar.appendChild(element("a", "", "⤢"));
      this.link.href = "#map-section";
      this.link.setAttribute("role", "button");
      L.DomEvent.disableClickPropagation(bar);
      L.DomEvent.on(this.link, "click", function (event) { L.DomEvent.preventDefault(event); whole(); });
      return bar;
    }
  });
  var home = new Home({ position: "topleft" });
  var zoom = L.control.zoom({ position: "topleft" });
  var layers = null;

  function nameControls() {
    if (layers) { layers.remove(); }
    layers = L.control.layers({}, {}, { collapsed: window.innerWidth < 700 });
    layers.addBaseLayer(ortho, word("ortho"));
    layers.addBaseLayer(relief, word("relief"));
    if (data.findings.length) { layers.addOverlay(findings, word("findings")); }
    layers.addOverlay(positions, word("positions"));
    layers.addOverlay(footprints, word("footprints"));
    layers.addTo(map);
    [[zoom._zoomInButton, "zoomIn"], [zoom._zoomOutButton, "zoomOut"], [home.link, "whole"]]
      .forEach(function (pair) {
        pair[0].title = word(pair[1]);
        pair[0].setAttribute("aria-label", word(pair[1]));
      });
    map.closePopup();
    legend.fill();
  }

  function whole() { map.fitBounds(extent, { animate: false }); }

  // ---- read-out of coordinates and height

  function unpack(text) {
    var raw = atob(text);
    var bytes = new Uint8Array(raw.length);
    for (var i = 0; i < raw.length; i += 1) { bytes[i] = raw.charCodeAt(i); }
    return new DataView(bytes.buffer);
  }
  var heights = unpack(data.heights.data);

  function heightAt(east, north) {
    var h = data.heights;
    var column = Math.floor((east - h.west) / h.dx);
    var row = Math.floor((h.north - north) / h.dy);
    if (column < 0 || row < 0 || column >= h.cols || row >= h.rows) { return null; }
    var value = heights.getInt16(2 * (row * h.cols + column), true);
    return value === -32768 ? null : h.base + value / 10;
  }

  function lonlat(place) {
    var x = place.lng / 1000, y = place.lat / 1000;
    var terms = [1, x, y, x * x, x * y, y * y];
    return data.lonlat.map(function (row) {
      return row.reduce(function (sum, factor, i) { return sum + factor * terms[i]; }, 0);
    });
  }

  var readout = document.getElementById("readout");
  map.on("mousemove", function (event) {
    var east = data.west + event.latlng.lng, north = data.north + event.latlng.lat;
    var place = lonlat(event.latlng), height = heightAt(east, north);
    readout.textContent = "E " + east.toFixed(1) + "  N " + north.toFixed(1) + "   " +
      place[1].toFixed(6) + ", " + place[0].toFixed(6) + "   " + word("height") + " " +
      (height === null ? word("unseen") : "≈ " + height.toFixed(1) + " m");
  });
  map.on("mouseout", function () { readout.textContent = "\u00a0"; });

  // ---- cards and map follow each other

  function mark(number) {
    document.querySelectorAll(".card").forEach(function (card) {
      card.classList.toggle("on", card.dataset.number === String(number));
    });
  }

  function locate(number) {
    var found = shapes[number];
    if (!found) { return; }
    if (!map.hasLayer(findings)) { map.addLayer(findings); }
    mark(number);
    map.fitBounds(found.shape.getBounds().pad(0.5), { maxZoom: data.zoom, animate: false });
    found.pin.openPopup();
  }

  document.querySelectorAll(".card").forEach(function (card) {
    card.addEventListener("click", function (event) {
      var pressed = event.target.closest("a,button");
      if (pressed && !pressed.classList.contains("locate")) { return; }
      locate(card.dataset.number);
      if (pressed) {
        document.getElementById("map-section").scrollIntoView({ block: "start" });
      }
    });
  });

  // ---- enlarged pictures

  var lightbox = document.getElementById("lightbox");
  document.querySelectorAll(".shot").forEach(function (link) {
    link.addEventListener("click", function (event) {
      if (!lightbox.showModal) { return; }
      event.preventDefault();
      var large = lightbox.querySelector("img");
      large.src = link.getAttribute("href");
      large.alt = link.querySelector("img").alt;
      lightbox.querySelector("p").textContent = link.dataset.caption;
      lightbox.showModal();
    });
  });
  lightbox.addEventListener("click", function (event) {
    if (event.target === lightbox) { lightbox.close(); }
  });
  document.getElementById("print").addEventListener("click", function () { window.print(); });
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("img[loading]").forEach(function (img) { img.loading = "eager"; });
  });

  // ---- start

  whole();
  map.addLayer(ortho).addLayer(findings);
  map.addControl(home).addControl(zoom).addControl(legend);
  L.control.scale({ imperial: false, maxWidth: 140 }).addTo(map);
  map.on("baselayerchange", function () { legend.fill(); });
  var asked = /[?&]lang=(zh|en)/.exec(window.location.search);
  speak(asked ? (asked[1] === "en" ? "en" : "zh_Hans") : language);
  var linked = document.getElementById(window.location.hash.slice(1));
  if (linked && linked.classList.contains("card")) { mark(linked.dataset.number); }
  root.dataset.ready = "yes";
}());
