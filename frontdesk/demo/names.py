"""Invented names, as mixed as a town with a harbour, and what the desk hears all day."""

WOMEN_WRITTEN = """
Marisol Denise Hannah Gloria Irene Joan Fatima Mei Patricia Nadia Ella Anita Grace Lucille Mila Ava Zoe
Ines Nora Cora Judy Kim Wendy Nell Sue Jade Pilar Ruth Tara Dora Lena Beth Aisha Amélie Ana Ángela Beatriz
Bronwyn Camille Catalina Chiara Clara Consuelo Daniela Deborah Dolores Elżbieta Emma Esperanza Eva Fiona
Florence Frida Gabriela Giulia Greta Guadalupe Helena Hiroko Ilse Ingrid Isabel Jelena Josephine Juana
Karin Katarzyna Laila Leila Leonor Lucía Luz Magdalena Mairead Margaret Marta Maya Mercedes Miriam Mónica
Naomi Noémie Olga Olivia Oluchi Paloma Phoebe Priscilla Raquel Renée Rosa Rosalind Saoirse Sigrid Siobhán
Sofía Soledad Stella Sylvia Tatiana Teresa Thi Ulrika Valentina Vera Wanda Xiomara Yasmin Yolanda Zainab
"""

MEN_WRITTEN = """
Walter Ivan Luis Dale Kyle Robert Oscar George Carl Peter Noah Samuel Bernard Jonah Ray Sam Victor Owen
Henry Aaron Theo Isaac Milo Leo Felix Omar Arthur Igor Max Hugo Alan Tom Adrián Ahmed Alejandro Anders
André Ansel Antonio Björn Bruno Caleb Casimir César Cyril Darius Desmond Diego Dmitri Eamon Edgar Eero
Emeka Emilio Enrique Ezra Fabian Farid Fergus Fernando Finn François Gábor Gareth Gerald Gustavo Hamza
Héctor Hiro Ibrahim Ignacio Jakub Jamal Javier Jerome Joaquín Jürgen Kamal Kofi Kwame Laszlo Lionel Lorenzo
Łukasz Malik Marek Mateo Matthias Miguel Moses Nikolai Núria Olaf Orlando Óscar Pablo Pascal Patrick
Pedro Quentin Rafael Ramón Rashid Reuben Ricardo Rory Rubén Santiago Sebastián Søren Stefan Tadeusz Tobias
Tomás Ulises Vicente Wesley Xavier Yusuf Zoltán
"""

FAMILIES_WRITTEN = """
Vega Kimura Albright Marsh Ortega Weiss Mbeki Sandoval Castell Brandt Greene Oyelaran Cho Petrov Whitman
Rennick Nakamura Tanaka Lind Dunne Abbot Rahman Jensen Moreno Price Kapoor Donnelly Lim Whitlock Salas
Carver Park Tran Voss Klein Fields Novak Jansen Collins Brown Martin Fischer Duarte Abara Quinn Blake
Amadi Ness Haddad Sato Lau Boyd Okafor Marlow Pavlov Ellis Ruben Soto Stern Adeyemi Pruitt Hargrove
Abdullahi Acosta Aguilar Åkesson Alvarado Anaya Andersson Baptiste Barragán Beaumont Becerra Bergström
Bianchi Bouchard Brennan Cabrera Calderón Castañeda Chaudhry Chevalier Cienfuegos Contreras Cordero
Dąbrowski Da-Silva Delacroix Delgado Dvořák Echeverría Eriksen Escobar Espinoza Faulkner Fernández
Fitzgerald Fontaine Gallagher García Ghosh Gonçalves González Guerrero Gutiérrez Hakimi Håkansson Hernández
Herrera Hoàng Horváth Ibarra Iglesias Ivanova Jaramillo Jiménez Joubert Kamara Keane Kowalczyk Krüger
Lachance Lindgren López Loughlin Maçedo Maldonado McAllister McCree Mendoza Meyer Molina Montgomery Muñoz
Nguyễn Nikolaidis Núñez O’Brien O’Dowd Ochoa Olsen Paredes Peña Pereira Pham Piñera Quintero Ramírez Reyes
Rinaldi Ríos Rojas Romanov Saavedra Salinas Sánchez Schäfer Schröder Serrano Silva Sørensen Stavros Suárez
Takahashi Thorne Tremblay Ueda Ulloa Valdés Valenzuela Vandermeer Vásquez Velásquez Villaseñor Wójcik
Yamamoto Ybarra Yıldız Zamora Zapata Zhao Zieliński
"""

WOMEN, MEN, FAMILIES = WOMEN_WRITTEN.split(), MEN_WRITTEN.split(), FAMILIES_WRITTEN.split()

# Family names whose bearers in this town more often than not speak Spanish at home.
SPANISH_ENDINGS = ("ez", "eña", "oza", "ado", "era", "gas", "llo", "ales", "ita", "ega", "otos", "ina", "ara")

REASONS = (
    "Blood pressure check",
    "Diabetes follow-up",
    "Knee pain since Sunday",
    "Cough, eight days",
    "Medication review",
    "Sore throat",
    "Back pain, new",
    "Lab results",
    "Annual visit",
    "Rash on both arms",
    "Headaches",
    "Sleep trouble",
    "Ear pain",
    "Asthma review",
    "Thyroid follow-up",
    "Stitches out",
    "Dizzy in the mornings",
    "Shoulder after a fall",
)
CHILD_REASONS = (
    "Well child",
    "Ear pain",
    "Fever since last night",
    "School form",
    "Asthma review",
    "Cough at night",
    "Feeding check",
    "Rash after daycare",
    "Growth check",
    "Tummy ache",
)
DENTAL_REASONS = (
    "Cleaning",
    "Crown fitting",
    "Toothache, lower left",
    "Filling",
    "Check-up",
    "Broken filling",
    "Gum bleeding",
    "Second opinion",
    "Retainer check",
)

KNOW_FIRST = (
    "Faints at needles: lie down for blood draws.",
    "Hears better on the left. Face her when you speak.",
    "Latex allergy.",
    "Daughter Elena does the talking, with his consent on file.",
    "Call before 10, works nights.",
    "Anxious in the waiting room. May wait in the car, text when ready.",
    "Guide dog Biscuit comes along.",
    "Was upset about the last bill. The manager promised a call.",
    "Uses a power chair, needs the wide door.",
    "Prefers to be called by the first name.",
    "Please use they and them.",
    "Mother and father live apart, both may call.",
)

STREETS = (
    "Anchor Lane",
    "Beacon Street",
    "Chandler Row",
    "Dock Square",
    "Elm Street",
    "Ferry Road",
    "Granary Way",
    "Hill Street",
    "Juniper Court",
    "Lighthouse Road",
    "Mill Pond Road",
    "Orchard Street",
)

# What patients write that no machine should answer; the first practice gets all of it.
TO_A_PERSON = (
    "Could I come Thursday instead?",
    "I have had chest pain since this morning, should I still come in?",
    "Is there parking for a wheelchair van?",
    "¿Puedo llevar a mi mamá a la cita?",
    "Running about 10 minutes late, sorry",
    "Can you send my forms again? The link does not open",
    "My daughter has a fever now, can she be seen earlier?",
)
A_FEW = (TO_A_PERSON[0], TO_A_PERSON[3], TO_A_PERSON[4])
YES_IN_ENGLISH = ("YES", "Yes", "yes!", "Y", "👍", "Yes, thank you", "C")
YES_IN_SPANISH = ("Sí", "SI", "si", "👍")
